// Processes that compute together: what the layers above know of them. How they speak to each other is a
// matter of whoever derives from `Group`.
#pragma once

#include <span>
#include <string>

#include "strata/tensor/random.hpp"

namespace strata {

/// The part of a process in rows that several share.
struct Share {
  Rows rows;
  double weight;  ///< of a mean over its rows in that over all; of all processes together 1
};

/// Processes that run the same program, each on its rows of every batch, and that have the same parameters.
/// What they call here they call in the same order, with as many numbers.
class Group {
 public:
  Group(std::size_t rank, std::size_t size) : rank_(rank), size_(size) {}
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  virtual ~Group() = default;

  std::size_t rank() const { return rank_; }  ///< of this process, from 0
  std::size_t size() const { return size_; }

  /// x ← Σ x over all processes: the same bits in each.
  void sum(std::span<float> x) {
    if (!alone_) sum_all(x);
  }
  void sum(std::span<double> x) {
    if (!alone_) sum_all(x);
  }
  /// The same, begun: x is not to be touched before `finish`, which waits for all that were begun.
  void begin_sum(std::span<float> x) {
    if (!alone_) begin_all(x);
  }
  void begin_sum(std::span<double> x) {
    if (!alone_) begin_all(x);
  }
  void finish() {
    if (!alone_) finish_all();
  }

  /// While it lives, the sums of a group (or of none) are this process's own numbers, and need not be called
  /// by others: it looks for what went wrong.
  class Alone {
   public:
    explicit Alone(Group* group) : group_(group) { set(true); }
    ~Alone() { set(false); }
    Alone(const Alone&) = delete;

   private:
    void set(bool alone) {
      if (group_) group_->alone_ = alone;
    }
    Group* group_;
  };

 private:
  virtual void sum_all(std::span<float> x) = 0;
  virtual void sum_all(std::span<double> x) = 0;
  virtual void begin_all(std::span<float> x) = 0;
  virtual void begin_all(std::span<double> x) = 0;
  virtual void finish_all() = 0;

  std::size_t rank_, size_;
  bool alone_ = false;
};

/// This process's share of so many rows: consecutive ones, in the order of ranks; all without a group. Of
/// fewer rows than there are processes each has all, at a weight of one part in `size`.
Share share_of(const Group* group, std::size_t rows);

/// The text of the first process that has one.
std::string first_text(Group& group, const std::string& own);

/// Calls f in every process. Where that throws an E in some, all throw the first one's.
template <class E, class F> void alike(Group* group, F f) {
  if (group == nullptr) return f();
  std::string wrong;
  try {
    f();
  } catch (const E& error) {
    wrong = error.what();
  }
  wrong = first_text(*group, wrong);
  if (!wrong.empty()) throw E(wrong);
}

}  // namespace strata
