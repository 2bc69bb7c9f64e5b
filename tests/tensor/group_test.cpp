#include "strata/tensor/group.hpp"

#include <catch2/catch.hpp>
#include <mutex>

#include "strata/tests/thread_group.hpp"

using namespace strata;

TEST_CASE("The shares of a group are all rows once, in order, or all rows for each where they are too few") {
  const auto all = share_of(nullptr, 10);
  CHECK((all.rows == Rows{0, 10, 10}));
  CHECK(all.weight == 1);
  for (const std::size_t size : {1, 2, 3, 4, 7}) {
    std::vector<Share> large(size), small(size);
    in_group(size, [&](Group& group) {
      large[group.rank()] = share_of(&group, 10);
      small[group.rank()] = share_of(&group, size - 1);
    });
    std::size_t next = 0;
    double weight = 0, small_weight = 0;
    for (std::size_t rank = 0; rank < size; ++rank) {
      const auto& [rows, part] = large[rank];
      CHECK(rows.first == next);
      CHECK(rows.total == 10);
      CHECK((rows.count == 10 / size || rows.count == 10 / size + 1));
      CHECK(part == Approx(static_cast<double>(rows.count) / 10));
      CHECK((small[rank].rows == Rows{0, size - 1, size - 1}));
      next += rows.count;
      weight += part;
      small_weight += small[rank].weight;
    }
    CHECK(next == 10);
    CHECK(weight == Approx(1));
    CHECK(small_weight == Approx(1));
  }
}

TEST_CASE("A group tells the text of the first process that has one") {
  std::vector<std::string> told(3), none(3, "?");
  in_group(3, [&](Group& group) {
    const std::string own[] = {"", "of the second: KL, –", "of the third"};
    told[group.rank()] = first_text(group, own[group.rank()]);
    none[group.rank()] = first_text(group, "");
  });
  CHECK(told == std::vector<std::string>(3, "of the second: KL, –"));
  CHECK(none == std::vector<std::string>(3));
}

TEST_CASE("A process that is alone for a while sums nothing") {
  std::vector<double> summed(2), alone(2);
  in_group(2, [&](Group& group) {
    double x[] = {1.0 + static_cast<double>(group.rank())};
    if (group.rank() == 1) {  // the other one does not know of it
      const Group::Alone for_now(&group);
      group.sum(x);
      group.begin_sum(x);
      group.finish();
      alone[1] = x[0];
    }
    group.sum(x);
    summed[group.rank()] = x[0];
  });
  CHECK(alone[1] == 2);
  CHECK(summed == std::vector<double>{3, 3});
}
