// From a data set to batches of training data.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "strata/nn/names.hpp"
#include "strata/tensor/interval.hpp"
#include "strata/vae/pass.hpp"

namespace strata {

/// How a grey level p becomes data: as it is, as [p > ½], or as a draw with P(x = 1) = p, new each time
/// (Burda et al. 2015). Only 0 and 1 give a log-likelihood.
enum class Binarize { none, threshold, dynamic };
template <> struct Named<Binarize> {
  static constexpr const char* what = "binarize";
  static constexpr std::array names = {"none", "threshold", "dynamic"};
};

/// The label of an example of which it is not known what it shows.
inline constexpr std::uint32_t unknown_label = ~std::uint32_t{0};

/// Examples and, where it is known, what each shows.
struct Dataset {
  std::variant<Tensor<std::uint8_t>, Tensor<float>> examples;  ///< (N, ...): bytes, for p = byte / 255, or p
  std::optional<Tensor<std::uint32_t>> labels = {};            ///< (N)
  std::size_t classes = 10;                                    ///< labels are below, or unknown

  /// Which values of an example are given: the condition, in place of labels. The others are x. Rising.
  std::vector<std::size_t> given = {};

  /// N, and the number of values of each x.
  std::size_t size() const;
  std::size_t width() const;
  /// The shape of one x, such as (height, width); a row where some values are given.
  Shape example_shape() const;
};

/// Throws "[operation] ..." unless there is at least one example, none is empty, and where there are labels
/// each has one below `classes`.
void require_examples(const char* operation, const Dataset& data);

/// Where the data of a model must lie, of a model (or a step) that says so by `Interval support() const`.
template <class M> std::optional<Interval> support_of(const M& model) {
  if constexpr (requires { model.support(); })
    return model.support();
  else
    return {};
}

/// Throws "[operation] ..." for the first number of the examples that lies outside [0, 1], where binarisation
/// takes them for probabilities, or else outside the support, where that is known. Bytes lie in [0, 1].
void require_support(const char* operation, const Dataset& data, Binarize binarize,
                     const std::optional<Interval>& support);

/// The same for a tensor x and the support of its model.
template <class T, class M> void require_support(const char* operation, const Tensor<T>& x, const M& model) {
  if (const auto support = support_of(model)) require_within(operation, "x", x, *support);
}

/// All but the last `held_out` examples, and those: training and validation. Throws unless
/// 0 < held_out < N.
std::pair<Dataset, Dataset> split(const Dataset& data, std::size_t held_out);

/// The same examples with `count` labels, as many of each class as can be, chosen at random; the others
/// become unknown. The examples that keep theirs come `repeats` times. Throws unless there are labels, and 1
/// ≤ count ≤ N, and for 0 repeats.
Dataset with_few_labels(const Dataset& data, std::size_t count, std::size_t repeats, Rng& rng);

/// Some examples as tensors.
template <class T> struct Batch {
  Versioned<T> x;                              ///< (B, D)
  std::optional<Versioned<T>> condition = {};  ///< (B, C): the given values, or labels as unit vectors,
                                               ///< where there are any, and zeros for one that is unknown

  /// What a pass starts from, without a copy: the batch must outlive the step.
  Given<T> on(Tape<T>& tape, std::size_t samples = 1) const&;
  Given<T> on(Tape<T>& tape, std::size_t samples = 1) const&& = delete;
  /// Only rows first ... last − 1.
  Batch rows(std::size_t first, std::size_t last) const;
};

/// Sets the batch to the given examples, in this order; buffers of the same size are kept.
template <class T> void gather(const Dataset& data, std::span<const std::size_t> rows, Binarize binarize,
                               Rng& rng, Batch<T>& batch);

/// The first `count` examples, or all if there are fewer.
template <class T>
Batch<T> first_examples(const Dataset& data, std::size_t count, Binarize binarize, Rng& rng);

/// The mean of every value, in [0, 1] for grey levels: (D).
Tensor<float> mean_example(const Dataset& data);

}  // namespace strata
