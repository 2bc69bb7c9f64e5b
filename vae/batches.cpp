#include "strata/vae/batches.hpp"

#include <algorithm>
#include <numeric>

#include "strata/tensor/expression.hpp"

namespace strata {
namespace {

template <class T> T grey(std::uint8_t byte) { return static_cast<T>(byte) / T(255); }
template <class T> T grey(float value) { return static_cast<T>(value); }

// The elements of some rows of x.
template <class T> Tensor<T> rows_of(const Tensor<T>& x, std::size_t first, std::size_t last) {
  Shape shape = x.shape();
  shape[0] = last - first;
  const std::size_t width = x.size() / x.shape(0);
  auto part = Tensor<T>::from_shape(shape);
  std::copy(x.data() + first * width, x.data() + last * width, part.data());
  return part;
}

template <class T> Tensor<T> rows_of(const Tensor<T>& x, const std::vector<std::size_t>& rows) {
  Shape shape = x.shape();
  shape[0] = rows.size();
  const std::size_t width = x.size() / x.shape(0);
  auto part = Tensor<T>::from_shape(shape);
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::copy_n(x.data() + rows[i] * width, width, part.data() + i * width);
  return part;
}

Dataset rows_of(const Dataset& data, std::size_t first, std::size_t last) {
  Dataset part{{}, {}, data.classes, data.given};
  std::visit([&](const auto& examples) { part.examples = rows_of(examples, first, last); }, data.examples);
  if (data.labels) part.labels = rows_of(*data.labels, first, last);
  return part;
}

// The shape of a whole example.
Shape whole_shape(const Dataset& data) {
  const Shape& shape = std::visit([](const auto& x) -> const Shape& { return x.shape(); }, data.examples);
  return {shape.begin() + 1, shape.end()};
}

// Calls f(place in the whole, whether it is given, place among the given or the others).
template <class F> void for_each_value(const Dataset& data, F f) {
  const std::size_t width = element_count(whole_shape(data));
  for (std::size_t place = 0, known = 0; place < width; ++place) {
    const bool is_given = known < data.given.size() && data.given[known] == place;
    f(place, is_given, is_given ? known : place - known);
    known += is_given;
  }
}

// Whole examples as numbers: (rows, width)
template <class T> void fill_examples(const Dataset& data, std::span<const std::size_t> rows,
                                      Binarize binarize, Rng& rng, Tensor<T>& x) {
  const std::size_t width = element_count(whole_shape(data));
  x.resize({rows.size(), width});
  std::visit(
      [&](const auto& examples) {
        parallel_for(
            rows.size(), detail::parallel_elements / width,
            [&](std::size_t begin, std::size_t end) {
              for (std::size_t i = begin; i < end; ++i) {
                const auto* from = examples.data() + rows[i] * width;
                T* to = x.data() + i * width;
                for (std::size_t j = 0; j < width; ++j)
                  to[j] = binarize == Binarize::threshold ? static_cast<T>(grey<T>(from[j]) > T(0.5))
                                                          : grey<T>(from[j]);
              }
            },
            1);
      },
      data.examples);
  if (binarize == Binarize::dynamic) fill_bernoulli(rng, x, x);
}

}  // namespace

std::size_t Dataset::size() const {
  return std::visit([](const auto& x) { return x.dimension() == 0 ? 0 : x.shape(0); }, examples);
}

std::size_t Dataset::width() const { return element_count(example_shape()); }

Shape Dataset::example_shape() const {
  const Shape whole = whole_shape(*this);
  return given.empty() ? whole : Shape{element_count(whole) - given.size()};
}

void require_examples(const char* operation, const Dataset& data) {
  const Shape& shape = std::visit([](const auto& x) -> const Shape& { return x.shape(); }, data.examples);
  if (shape.size() < 2 || element_count(shape) == 0)
    fail(operation, "needs examples (N, ...) of at least one value; they are " + to_string(shape));
  if (!data.labels) return;
  if (data.labels->size() != shape[0])
    fail(operation,
         "the examples are " + to_string(shape) + ", their labels " + to_string(data.labels->shape()));
  const auto wrong = std::find_if(data.labels->begin(), data.labels->end(), [&](std::uint32_t label) {
    return label >= data.classes && label != unknown_label;
  });
  if (wrong != data.labels->end())
    fail(operation, "label " + std::to_string(*wrong) + " of example " +
                        std::to_string(wrong - data.labels->begin()) + " is none of " +
                        std::to_string(data.classes) + " classes");
}

void require_support(const char* operation, const Dataset& data, Binarize binarize,
                     const std::optional<Interval>& support) {
  const auto needed = binarize == Binarize::none ? support : unit_interval;
  const auto* numbers = std::get_if<Tensor<float>>(&data.examples);
  if (numbers && needed)
    require_within(operation, binarize == Binarize::none ? "the data" : "the data to be binarised", *numbers,
                   *needed);
}

std::pair<Dataset, Dataset> split(const Dataset& data, std::size_t held_out) {
  const std::size_t count = data.size();
  if (held_out == 0 || held_out >= count)
    fail("split", std::to_string(held_out) + " of " + std::to_string(count) +
                      " examples cannot be held out; some must be left on either side");
  return {rows_of(data, 0, count - held_out), rows_of(data, count - held_out, count)};
}

Dataset with_few_labels(const Dataset& data, std::size_t count, std::size_t repeats, Rng& rng) {
  const std::size_t all = data.size();
  if (!data.labels || count == 0 || count > all || repeats == 0)
    fail("with_few_labels",
         "needs labels, 1 to " + std::to_string(all) + " of them to keep and one repeat at least; " +
             (data.labels ? std::to_string(count) + " and " + std::to_string(repeats) + " are asked for"
                          : "there are none"));
  std::vector<std::size_t> order, rows(all), taken(data.classes, 0);
  permute(rng, all, order);
  // Those that come first of their class come first: the i-th of every class before the (i + 1)-th of any.
  std::vector<std::pair<std::size_t, std::size_t>> ranked;
  for (const std::size_t i : order)
    if (const std::uint32_t label = (*data.labels)(i); label != unknown_label)
      ranked.push_back({taken[label]++, i});
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  ranked.resize(std::min(count, ranked.size()));
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  for (std::size_t r = 1; r < repeats; ++r)
    for (const auto& [rank, i] : ranked) rows.push_back(i);
  Dataset few{{}, Tensor<std::uint32_t>(Shape{rows.size()}, unknown_label), data.classes, data.given};
  std::visit([&](const auto& examples) { few.examples = rows_of(examples, rows); }, data.examples);
  for (std::size_t i = 0; i < ranked.size(); ++i)
    (*few.labels)(ranked[i].second) = (*data.labels)(ranked[i].second);
  for (std::size_t i = all; i < rows.size(); ++i) (*few.labels)(i) = (*data.labels)(rows[i]);
  return few;
}

template <class T> Given<T> Batch<T>::on(Tape<T>& tape, std::size_t samples) const& {
  return {tape.reference(x), condition ? tape.reference(*condition) : Var<T>(), samples};
}

template <class T> Batch<T> Batch<T>::rows(std::size_t first, std::size_t last) const {
  Batch part{rows_of(x.value(), first, last)};
  if (condition) part.condition = rows_of(condition->value(), first, last);
  return part;
}

template <class T> void gather(const Dataset& data, std::span<const std::size_t> rows, Binarize binarize,
                               Rng& rng, Batch<T>& batch) {
  if (data.given.empty()) {
    fill_examples(data, rows, binarize, rng, batch.x.write());
  } else {
    Tensor<T> whole;
    fill_examples(data, rows, binarize, rng, whole);
    if (!batch.condition) batch.condition.emplace();
    Tensor<T>&x = batch.x.write(), &c = batch.condition->write();
    x.resize({rows.size(), data.width()});
    c.resize({rows.size(), data.given.size()});
    for_each_value(data, [&](std::size_t place, bool is_given, std::size_t to) {
      for (std::size_t i = 0; i < rows.size(); ++i) (is_given ? c : x)(i, to) = whole(i, place);
    });
    return;
  }
  if (!data.labels) return batch.condition.reset();
  if (!batch.condition) batch.condition.emplace();
  Tensor<T>& condition = batch.condition->write();
  condition.resize({rows.size(), data.classes});
  condition.fill(T(0));
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (const std::uint32_t label = (*data.labels)(rows[i]); label != unknown_label)
      condition(i, label) = T(1);
}

template <class T>
Batch<T> first_examples(const Dataset& data, std::size_t count, Binarize binarize, Rng& rng) {
  std::vector<std::size_t> rows(std::min(count, data.size()));
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  Batch<T> batch;
  gather(data, rows, binarize, rng, batch);
  return batch;
}

Tensor<float> mean_example(const Dataset& data) {
  const std::size_t width = element_count(whole_shape(data));
  Tensor<double> sum = xt::zeros<double>({width});
  std::visit(
      [&](const auto& examples) {
        for (std::size_t i = 0; i < examples.size(); ++i) sum(i % width) += grey<double>(examples.data()[i]);
      },
      data.examples);
  auto mean = Tensor<float>::from_shape({data.width()});
  for_each_value(data, [&](std::size_t place, bool is_given, std::size_t to) {
    if (!is_given) mean(to) = static_cast<float>(sum(place) / static_cast<double>(data.size()));
  });
  return mean;
}

#define STRATA_INSTANTIATE(T)                                                                    \
  template struct Batch<T>;                                                                      \
  template void gather(const Dataset&, std::span<const std::size_t>, Binarize, Rng&, Batch<T>&); \
  template Batch<T> first_examples(const Dataset&, std::size_t, Binarize, Rng&);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
