'use strict';
const run = JSON.parse(document.getElementById('run').textContent);
const at = id => document.getElementById(id);

// An element of HTML or SVG; all text is text.
function element(name, attributes = {}, ...children) {
  const svg = ['svg', 'path', 'line', 'circle', 'text'].includes(name);
  const made = svg ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
const minus = text => text.replace('-', '−');
const short = x => minus(String(Number.isFinite(x) ? Number(x.toPrecision(5)) : x)), fixed = x => minus(x.toFixed(2));

function table(names, rows, numbers = []) {
  const kind = i => numbers.includes(i) ? { class: 'number' } : {};
  const cell = (content, i) => content.tagName === 'TD' ? content : element('td', kind(i), content);
  return element('table', {},
    element('thead', {}, element('tr', {}, ...names.map((n, i) => element('th', { scope: 'col', ...kind(i) }, n)))),
    element('tbody', {}, ...rows.map(row => element('tr', {}, ...row.map(cell)))));
}

// ---- The decoder ----
const bytes = base64 => Uint8Array.from(atob(base64), c => c.charCodeAt(0));
const floats = base64 => new Float32Array(bytes(base64).buffer);  // every browser's machine is little-endian
const { networks, latents, layers } = run;
const weights = floats(networks ? networks.weights : '');
const softplus = x => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const sigmoid = x => 1 / (1 + Math.exp(-x));
const activation = {
  softplus, sigmoid, tanh: Math.tanh, relu: x => Math.max(x, 0), leaky_relu: x => x > 0 ? x : 0.01 * x,
}[networks?.activation];

// x W + b
function affine(map, x) {
  const y = Float64Array.from(weights.subarray(map.at + map.in * map.out, map.at + (map.in + 1) * map.out));
  for (let i = 0, w = map.at; i < map.in; ++i)
    for (let j = 0; j < map.out; ++j) y[j] += x[i] * weights[w++];
  return y;
}
const through = (body, x) => body.reduce((h, map) => affine(map, h).map(activation), x);
function normal(head, x) {
  const h = through(head.body, x);
  return { mean: affine(head.mean, h), deviation: affine(head.scale, h).map(
    networks.softplus_scale ? softplus : s => Math.exp(s / 2)) };
}
const condition = label => Array.from({ length: run.classes }, (_, c) => Number(c === label));

// E[x | z_1] after z_{t−1} = mean + deviation · noise[t − 1] downwards from z_T; no noise: the means.
function decode(z, noise = [], label = 0) {
  const c = condition(label);
  for (let t = layers.length - 1; t >= 1; --t) {
    const { mean, deviation } = normal(networks.p[t - 1], [...z, ...c]);
    z = noise[t - 1] ? mean.map((m, i) => m + deviation[i] * noise[t - 1][i]) : mean;
  }
  const x = affine(networks.decoder.output, through(networks.decoder.body, [...z, ...c]));
  return networks.decoder.sigmoid ? x.map(sigmoid) : x;
}

// ---- The explorer ----
const gaussian = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
const depth = layers.length, width = layers[depth - 1];
const points = latents.points && floats(latents.points), labels = latents.labels;
const palette = ['#0235e9', '#ffb600', '#00582e', '#dc0857', '#534eaf', '#491c38', '#fe76ed', '#79929f', '#97a33e',
  '#18dcad'];
const named = label => run.labels[label] ?? String(label);
const colour = label => palette[label] || `hsl(${label * 137.5} 70% 45%)`;
const state = { z: new Array(width).fill(0), noise: [], label: 0 };
const reach = points ? Math.max(3, ...[0, 1].map(unit => {
  const sizes = Array.from(points.filter((_, i) => i % 2 === unit), Math.abs).sort((a, b) => a - b);
  return sizes[Math.floor(0.998 * (sizes.length - 1))];
})) * 1.05 : 4;
const sliders = [];
const plane = at('plane').getContext('2d'), side = at('plane').width;
const pixel = { x: z => side / 2 * (1 + z / reach), y: z => side / 2 * (1 - z / reach) };
let scattered;

function scatter() {
  scattered = element('canvas', { width: side, height: side });
  const c = scattered.getContext('2d');
  c.fillStyle = '#fff';
  c.fillRect(0, 0, side, side);
  c.font = '24px system-ui, sans-serif';
  for (let value = -Math.floor(reach); value <= reach; ++value) {
    c.fillStyle = value === 0 ? '#999' : '#e4e4e4';
    c.fillRect(pixel.x(value), 0, 2, side);
    c.fillRect(0, pixel.y(value), side, 2);
  }
  c.globalAlpha = 0.6;
  for (let i = 0; i < points.length; i += 2) {
    c.fillStyle = colour(labels ? labels[i / 2] : 0);
    c.beginPath();
    c.arc(pixel.x(points[i]), pixel.y(points[i + 1]), points.length > 4000 ? 3 : 5, 0, 7);
    c.fill();
  }
  c.globalAlpha = 1;
  c.fillStyle = '#222';
  c.fillText('unit 1 →', side - 110, side - 40);
  c.fillText('unit 2 ↑', 50, 28);
  for (let value = -Math.floor(reach); value <= reach; ++value) {
    c.fillText(short(value), pixel.x(value) + 5, side - 8);
    if (value !== -Math.floor(reach)) c.fillText(short(value), 6, pixel.y(value) - 6);
  }
}

function nearest() {
  const distance = i => (points[2 * i] - state.z[0]) ** 2 + (points[2 * i + 1] - state.z[1]) ** 2;
  return labels[labels.reduce((best, _, i) => distance(i) < distance(best) ? i : best, 0)];
}

function draw() {
  const x = decode(state.z, state.noise, state.label), canvas = at('decoded');
  const image = new ImageData(canvas.width, canvas.height);
  x.forEach((value, i) => image.data.set([255 * value, 255 * value, 255 * value, 255], 4 * i));
  canvas.getContext('2d', { willReadFrequently: true }).putImageData(image, 0, 0);
  for (const { unit, input, output } of sliders) {
    input.value = state.z[unit];
    output.textContent = fixed(state.z[unit]);
  }
  if (!points) return;
  plane.drawImage(scattered, 0, 0);
  const [u, v] = [pixel.x(state.z[0]), pixel.y(state.z[1])];
  for (const [width, style] of [[10, '#fff'], [5, '#000']]) {
    plane.lineWidth = width;
    plane.strokeStyle = style;
    plane.beginPath();
    plane.arc(u, v, 16, 0, 7);
    plane.stroke();
  }
  at('position').textContent = `z = (${state.z.map(fixed).join(', ')})`
    + (labels ? `; the nearest of the test set is labelled ${named(nearest())}` : '');
}

function move(x, y) {
  state.z = [x, y].map(value => Math.min(reach, Math.max(-reach, value)));
  draw();
}

// Draws z_t and the layers below anew, from the prior down; t counts from 1.
function redraw(t) {
  if (t === depth) {
    const prior = networks.prior && normal(networks.prior, condition(state.label));
    state.z = state.z.map((_, i) => prior ? prior.mean[i] + prior.deviation[i] * gaussian() : gaussian());
  }
  for (let below = Math.min(t, depth - 1); below >= 1; --below)
    state.noise[below - 1] = Array.from({ length: layers[below - 1] }, gaussian);
  draw();
}

function choice(label, id, options, chosen) {
  const select = element('select', { id }, ...options.map(([value, text]) => element('option', { value }, text)));
  if (chosen) select.addEventListener('change', () => chosen(Number(select.value)));
  return [element('label', { for: id }, label), select];
}

function explore() {
  [at('decoded').height, at('decoded').width] = run.image.length === 2 ? run.image : [1, run.image[0]];
  for (const unit of latents.units) {
    const id = `unit-${unit + 1}`, output = element('output', { for: id });
    const input = element('input', { id, type: 'range', min: -reach, max: reach, step: reach / 100 });
    input.addEventListener('input', () => { state.z[unit] = Number(input.value); draw(); });
    sliders.push({ unit, input, output });
    at('controls').append(element('div', { class: 'slider' },
      element('label', { for: id }, `unit ${unit + 1}`), input, output));
  }
  const buttons = element('div', { class: 'buttons' });
  const button = (text, pressed) => {
    const made = element('button', { type: 'button' }, text);
    made.addEventListener('click', pressed);
    buttons.append(made);
  };
  if (run.classes)
    buttons.append(...choice('label', 'label', condition(0).map((_, c) => [c, named(c)]),
      label => { state.label = label; draw(); }));
  if (depth > 1)
    buttons.append(...choice('from layer', 'layer', layers.map((_, t) => [t + 1, `z_${t + 1}`]).reverse()));
  button(depth > 1 ? 'Draw it and those below anew' : 'Draw z from the prior',
    () => redraw(depth > 1 ? Number(at('layer').value) : 1));
  button(depth > 1 ? 'Means' : 'Centre', () => { state.z.fill(0); state.noise = []; draw(); });
  at('controls').append(buttons);
  at('how').textContent = (points ? 'Drag the point over the latent plane, or move it by the arrow keys; '
    : `The sliders set the ${latents.units.length} units whose posterior means vary most; `)
    + 'the image is what the decoder makes of it, computed in this page.'
    + (points ? ' The dots are posterior means of the test set.' : '');
  if (points) {
    at('plane-figure').hidden = false;
    at('explorer').classList.add('with-plane');
    scatter();
    if (labels)
      for (const label of [...new Set(labels)].sort((a, b) => a - b))
        at('legend').append(element('span', {}, element('span', { class: 'swatch',
          style: `background: ${colour(label)}` }), named(label)));
    const follow = event => {
      const box = at('plane').getBoundingClientRect();
      move(reach * (2 * (event.clientX - box.left) / box.width - 1),
        reach * (1 - 2 * (event.clientY - box.top) / box.height));
    };
    at('plane').addEventListener('pointerdown', event => {
      at('plane').setPointerCapture(event.pointerId);
      follow(event);
    });
    at('plane').addEventListener('pointermove', event => { if (event.buttons & 1) follow(event); });
    at('plane').addEventListener('keydown', event => {
      const step = reach / (event.shiftKey ? 10 : 50);
      const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowDown: [0, -step], ArrowUp: [0, step] }[event.key];
      if (!by) return;
      event.preventDefault();
      move(state.z[0] + by[0], state.z[1] + by[1]);
    });
  }
  draw();
}

// ---- What was recorded ----
const lines = run.metrics.trim().split('\n').map(line => line.split(','));
const names = lines[0], rows = lines.slice(1).map(line => line.map(Number));
const column = name => rows.map(row => row[names.indexOf(name)]);
const criterion = names.includes('validation_elbo') ? 'validation_elbo' : 'test_elbo';
const best = column(criterion).reduce((b, v, i, all) => v > all[b] ? i : b, 0);

function curve(name) {
  const [w, h, left, right, upper, lower] = [320, 190, 52, 12, 26, 24];
  const values = column(name), epochs = column('epoch'), finite = values.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)], span = high - low || 1;
  const x = e => left + (w - left - right) * (epochs.length > 1 ? (e - epochs[0]) / (epochs.at(-1) - epochs[0]) : 0.5);
  const y = v => h - lower - (h - upper - lower) * (high > low ? (v - low) / span : 0.5);
  let path = '';
  values.forEach((v, i) => {
    if (Number.isFinite(v)) path += `${path && Number.isFinite(values[i - 1]) ? 'L' : 'M'}${x(epochs[i]).toFixed(1)} ${y(v).toFixed(1)}`;
  });
  const drawn = element('svg', { viewBox: `0 0 ${w} ${h}`, role: 'img', 'aria-label':
    `${name} by epoch: from ${short(values[0])} to ${short(values.at(-1))}; ${short(values[best])} at the best epoch, ${epochs[best]}` },
  element('text', { x: left, y: 14, style: 'font-weight: 600' }, name));
  for (const v of high > low ? [low, (low + high) / 2, high] : [low])
    drawn.append(element('line', { class: 'axis', x1: left, x2: w - right, y1: y(v), y2: y(v) }),
      element('text', { x: left - 6, y: y(v) + 4, 'text-anchor': 'end' }, short(Number(v.toPrecision(4)))));
  for (const [e, anchor] of epochs.length > 1 ? [[epochs[0], 'start'], [epochs.at(-1), 'end']] : [[epochs[0], 'middle']])
    drawn.append(element('text', { x: x(e), y: h - 6, 'text-anchor': anchor }, `epoch ${e}`));
  const b = x(epochs[best]);
  drawn.append(element('line', { class: 'best', x1: b, x2: b, y1: upper, y2: h - lower }),
    element('path', { class: 'curve', d: path }),
    ...Number.isFinite(values[best]) ? [element('circle', { class: 'dot', cx: b, cy: y(values[best]), r: 4 })] : []);
  return drawn;
}

// A nested result as lines of a table: "refined nll".
const leaves = (value, path = []) => value !== null && typeof value === 'object' && !Array.isArray(value)
  ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key.replaceAll('_', ' ')]))
  : [[path.join(' '), Array.isArray(value) ? value.map(short).join(', ')
    : typeof value === 'number' ? short(value) : String(value ?? '–')]];

const shows = {
  curves: 'Curves of training', samples: 'Images drawn from the model', latents: 'Posterior means of the test set, by label',
  reconstructions: 'Test images above their reconstructions', manifold: 'What a grid of latents decodes to',
  interpolations: 'From one test image to another through the latents',
};

function tell() {
  document.title = `${run.name}: a run of strata`;
  at('name').textContent = run.name;
  at('summary').textContent = `A variational autoencoder of ${depth} stochastic layer${depth > 1 ? 's' : ''} (${layers.join(', ')}`
    + ` units), trained on ${run.data_set}` + (rows.length ? ` for ${rows.length} epochs.` : '.')
    + (run.choice && ` What is shown here is ${run.choice}.`);
  if (rows.length) {
    at('best').textContent = `The best epoch by ${criterion} is ${column('epoch')[best]}, with ${short(column(criterion)[best])}`
      + ' nats per image; it is marked in every curve.';
    at('curves').append(...names.slice(1).map(curve));
  }
  const numbers = table(names, rows.map(row => row.map(short)), names.map((_, i) => i));
  at('numbers').append(numbers);
  if (rows.length) numbers.tBodies[0].rows[best].className = 'best';
  const last = rows.length - 1, kl = layers.map((_, t) => last < 0 ? NaN : column(`kl_${t + 1}`)[last]);
  const evaluated = run.evaluation?.layer_kl;
  at('layers').append(table(['layer', 'units', 'active', 'KL, nats', '', ...evaluated ? ['KL by evaluate'] : []],
    layers.map((units, t) => [`z_${t + 1}`, String(units), last < 0 ? '–' : short(column(`active_${t + 1}`)[last]),
      short(kl[t]), element('meter', { value: kl[t] || 0, max: Math.max(...kl.filter(Number.isFinite), 1e-9),
        'aria-label': `KL of z_${t + 1}` }), ...evaluated ? [short(evaluated[t])] : []]).reverse(), [1, 2, 3, 5]));
  at('evaluation').append(run.evaluation ? table(['', ''], leaves(run.evaluation))
    : 'Not evaluated yet: run evaluate, and then report again.');
  for (const { name, png } of run.pictures) {
    const plain = name.split('/').at(-1);
    const caption = shows[plain] || (plain.startsWith('keep_z') ? `What the layers below z_${plain.slice(6)} decide` : plain);
    at('pictures').append(element('figure', {}, element('img', { src: `data:image/png;base64,${png}`, alt: caption }),
      element('figcaption', {}, `${caption} (${name}.png)`)));
  }
  at('command').textContent = run.command;
  at('configuration').append(table(['option', 'value', 'meaning'], run.configuration.map(o =>
    [o.name, element('td', o.value === o.default ? {} : { class: 'changed' }, o.value), o.meaning])));
}

tell();
if (networks) explore();
else {
  at('explorer').remove();
  at('how').textContent = 'This kind of model is not computed in the page; generate writes pictures of it.';
}
