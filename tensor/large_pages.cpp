#include "strata/tensor/large_pages.hpp"

#include <cstdint>
#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace strata {

void use_large_pages() {
#ifdef __GLIBC__
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY) return;  // addresses are scarce
  constexpr std::size_t reserved = std::size_t{256} << 20, page = 4096;
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the heap takes large blocks, too,
  mallopt(M_TOP_PAD, reserved);         // grows by so much once,
  mallopt(M_TRIM_THRESHOLD, -1);        // and never shrinks
  void* first = std::malloc(1 << 20);
  const auto begin = (reinterpret_cast<std::uintptr_t>(first) + page - 1) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(sbrk(0));
  if (first != nullptr && begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
  std::free(first);
  mallopt(M_TOP_PAD, 128 << 10);
#endif
}

}  // namespace strata
