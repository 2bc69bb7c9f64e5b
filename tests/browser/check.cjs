// Checks the pages of runs in headless Chromium; see `run`.
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { chromium } = require('playwright-core');

const [build, ...given] = process.argv.slice(2);
const tool = name => path.join(build, 'tools', name);

// Small runs of every kind that the page tells apart, on images made here.
const kinds = {
  plane: [],
  labelled: ['--conditional', '--batch-norm', '--activation', 'leaky_relu', '--hidden', '40,20'],
  units: ['--latent', '12', '--likelihood', 'normal', '--activation', 'tanh', '--hidden', '20'],
  hierarchy: ['--latent', '8,4', '--upper-hidden', '6', '--hidden', '20', '--scale', 'softplus', '--activation', 'relu'],
  top_plane: ['--latent', '6,2', '--upper-hidden', '5', '--hidden', '16', '--activation', 'sigmoid', '--conditional'],
};

function train(folder) {
  for (const [split, count] of [['train', 60], ['t10k', 20]]) {
    const images = Buffer.alloc(16 + 784 * count), labels = Buffer.alloc(8 + count);
    [2051, count, 28, 28].forEach((n, i) => images.writeUInt32BE(n, 4 * i));
    [2049, count].forEach((n, i) => labels.writeUInt32BE(n, 4 * i));
    for (let i = 0; i < 784 * count; ++i)  // a band of light, at a height of each label's own
      images[16 + i] = (Math.floor(i % 784 / 28) + 3 * (Math.floor(i / 784) % 10)) % 28 < 14 ? 240 : 15;
    for (let i = 0; i < count; ++i) labels[8 + i] = i % 10;
    fs.writeFileSync(path.join(folder, `${split}-images-idx3-ubyte`), images);
    fs.writeFileSync(path.join(folder, `${split}-labels-idx1-ubyte`), labels);
  }
  return Object.entries(kinds).map(([name, options]) => {
    const run = path.join(folder, name), data = ['--data', folder];
    execFileSync(tool('train_mnist'), ['--out', run, ...data, '--epochs', '30', '--batch', '20', '--lr', '0.01', ...options]);
    execFileSync(tool('evaluate'), [run, ...data, '--samples', '20']);
    execFileSync(tool('generate'), [run, ...data]);
    execFileSync(tool('report'), [run, ...data]);
    return run;
  });
}

// The largest difference from the C++ decoder's pixels, of 100 points.
async function compareDecoders(page, run) {
  const { width, classes } = await page.evaluate(() => ({ width, classes: run.classes }));
  const label = classes ? 3 : 0;
  const z = Array.from({ length: 100 }, (_, n) => Array.from({ length: width }, (_, i) =>
    Math.fround(3 * Math.sin(1 + 12.9898 * n + 78.233 * i))));
  const input = z.map(row => row.join(' ')).join('\n');
  const lines = execFileSync(path.join(build, 'tests', 'decode'), [run, String(label)], { input, maxBuffer: 1e8 }).toString().trim().split('\n');
  assert.equal(lines.length, 100);
  const here = await page.evaluate(([z, label]) => 
    z.map(row => Array.from(decode(row, layers.slice(0, -1).map(units => new Array(units).fill(1)), label))), [z, label]);
  let worst = 0, apart = 0;
  lines.forEach((line, n) => line.split(' ').map(Number).forEach((x, i) => {
    worst = Math.max(worst, Math.abs(x - here[n][i]));
    apart = Math.max(apart, Math.abs(here[n][i] - here[0][i]));
  }));
  assert.ok(worst <= 1e-4, `a pixel differs by ${worst} from the C++ decoder's`);
  assert.ok(apart > 1e-3, 'all points have one image');
  return worst;
}

const pixels = page => page.evaluate(() => at('decoded').toDataURL());

// Milliseconds from a pointer's move to the image drawn, the median of 21.
async function drag(page) {
  const box = await page.locator('#plane').boundingBox();
  const place = (u, v) => page.mouse.move(box.x + u * box.width, box.y + v * box.height);
  await page.locator('#plane').scrollIntoViewIfNeeded();
  Object.assign(box, await page.locator('#plane').boundingBox());
  await place(0.5, 0.5);
  await page.mouse.down();
  const before = await pixels(page);
  await place(0.8, 0.3);
  assert.notEqual(await pixels(page), before, 'a drag draws another image');
  const z = await page.evaluate(() => state.z);
  assert.ok(z[0] > 0 && z[1] > 0, `dragged to the right and upwards, z is ${z}`);
  await page.mouse.up();
  const still = await pixels(page);
  await place(0.2, 0.7);
  assert.equal(await pixels(page), still, 'a pointer that is not pressed moves nothing');
  return page.evaluate(() => {
    const { left, top, width } = at('plane').getBoundingClientRect();
    const times = Array.from({ length: 21 }, (_, i) => {
      const start = performance.now();
      at('plane').dispatchEvent(new PointerEvent('pointermove',
        { clientX: left + width * i / 21, clientY: top + width / 3, buttons: 1 }));
      at('decoded').getContext('2d').getImageData(0, 0, 1, 1);
      return performance.now() - start;
    });
    return times.sort((a, b) => a - b)[10];
  });
}

// Every control is reached by Tab, and has a name for a screen reader.
async function checkControls(page) {
  const controls = '#plane, button, select, input, summary, [tabindex="0"]';
  const wanted = await page.locator(controls).evaluateAll(all =>
    all.filter(e => e.checkVisibility()).map((e, i) => (e.dataset.control = String(i))));
  await page.evaluate(() => { document.activeElement.blur(); window.scrollTo(0, 0); });
  const reached = new Set();
  for (let i = 0; i < wanted.length + 5; ++i) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement.dataset.control));
  }
  for (const control of wanted) assert.ok(reached.has(control), `control ${control} is not reached by Tab`);
  const devtools = await page.context().newCDPSession(page);
  const { nodes } = await devtools.send('Accessibility.getFullAXTree');
  const focusable = nodes.filter(n => !n.ignored && n.role.value !== 'RootWebArea'
    && n.properties?.some(p => p.name === 'focusable' && p.value.value));
  assert.ok(focusable.length >= wanted.length, `${focusable.length} of ${wanted.length} controls in the tree`);
  for (const node of focusable)
    assert.ok(node.name?.value, `a ${node.role.value} has no name`);
  for (const image of nodes.filter(n => !n.ignored && n.role.value === 'image'))
    assert.ok(image.name?.value, 'an image has no name');
  return wanted.length;
}

async function checkKeyboard(page) {
  const moves = async (locator, key) => {
    await page.locator(locator).first().focus();
    const before = await pixels(page);
    for (let i = 0; i < 8; ++i) await page.keyboard.press(key);
    assert.notEqual(await pixels(page), before, `${key} on ${locator} draws another image`);
  };
  await page.getByRole('button', { name: /Centre|Means/ }).press('Enter');
  await moves('#controls input', 'PageDown');
  if (await page.locator('#plane').isVisible()) await moves('#plane', 'ArrowUp');
  const labels = page.locator('#label');
  if (await labels.count()) {
    const before = await pixels(page);
    await labels.selectOption('7');
    assert.notEqual(await pixels(page), before, 'another label draws another image');
  }
  for (const layer of await page.locator('#layer option').evaluateAll(all => all.map(o => o.value))) {
    await page.locator('#layer').selectOption(layer);
    const [before, z] = [await pixels(page), await page.evaluate(() => [...state.z])];
    await page.getByRole('button', { name: 'anew' }).press('Enter');
    assert.notEqual(await pixels(page), before, `z_${layer} drawn anew makes another image`);
    const kept = await page.evaluate(z => state.z.every((v, i) => v === z[i]), z);
    assert.equal(kept, layer !== await page.evaluate(() => String(layers.length)), 'the layers above are kept');
  }
}

async function check(browser, run) {
  const url = pathToFileURL(path.join(run, 'report.html')).href, name = path.basename(run);
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const faults = [];
  page.on('console', message => faults.push(`console: ${message.text()}`));
  page.on('pageerror', error => faults.push(`error: ${error.message}`));
  page.on('request', request => {
    if (request.url() !== url && !request.url().startsWith('data:')) faults.push(`request: ${request.url()}`);
  });
  await page.goto(url);
  const worst = await compareDecoders(page, run);
  const ms = await page.locator('#plane').isVisible() ? await drag(page) : 0;
  assert.ok(ms <= 50, `a drag takes ${ms} ms`);
  const controls = await checkControls(page);
  await checkKeyboard(page);
  const curves = await page.locator('#curves svg').count();
  assert.equal(curves, await page.evaluate(() => names.length - 1), 'a curve for each column');
  assert.ok(await page.locator('#pictures img').evaluateAll(all => all.length > 3 && all.every(i => i.naturalWidth > 50)));
  for (const [kind, width, height] of [['wide', 1280, 900], ['phone', 390, 844]]) {
    await page.setViewportSize({ width, height });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overflow <= 0, `the page is ${overflow} pixels too wide for ${width}`);
    await page.evaluate(() => { document.activeElement.blur(); window.scrollTo(0, 0); });
    await page.screenshot({ path: path.join(build, 'browser', `${name}-${kind}.png`), fullPage: true });
  }
  assert.deepEqual(faults, []);
  await context.close();
  const size = fs.statSync(path.join(run, 'report.html')).size;
  console.log(`${name}: ${(size / 1e6).toFixed(2)} MB, ${controls} controls, pixels within ${worst.toExponential(1)}`
    + (ms ? `, a drag in ${ms.toFixed(1)} ms` : ''));
}

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'strata-browser-'));
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
  try {
    for (const run of given.length ? given : train(folder)) await check(browser, run);
  } finally {
    await browser.close();
    fs.rmSync(folder, { recursive: true });
  }
}
main().catch(error => { console.error(error); process.exit(1); });
