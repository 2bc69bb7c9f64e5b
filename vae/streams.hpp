// Which stream of a run's seed serves what (see Rng): no two random things share their numbers.
#pragma once

#include <cstdint>

namespace strata::streams {

inline constexpr std::uint64_t model = 0;     ///< initial weights
inline constexpr std::uint64_t training = 1;  ///< order, binarisation and noise of training
inline constexpr std::uint64_t test_set = 2;  ///< the test set's binarisation: once, the same for every use
inline constexpr std::uint64_t pictures = 3;
inline constexpr std::uint64_t posterior_means = 4;
inline constexpr std::uint64_t test_epoch = std::uint64_t{1} << 32;  ///< + the epoch: noise of its test
inline constexpr std::uint64_t simulation = 5;     ///< images from the model, of which it is a known draw
inline constexpr std::uint64_t known_labels = 6;   ///< which labels are known
inline constexpr std::uint64_t feature_draws = 7;  ///< of q(z | x), the data of a second stage
inline constexpr std::uint64_t samples = 8;        ///< of a model, that are compared with images
inline constexpr std::uint64_t annealing = std::uint64_t{5} << 61;   ///< + the image
inline constexpr std::uint64_t refinement = std::uint64_t{6} << 61;  ///< + the image
inline constexpr std::uint64_t test_image = std::uint64_t{1} << 63;  ///< + the image: its importance samples

}  // namespace strata::streams
