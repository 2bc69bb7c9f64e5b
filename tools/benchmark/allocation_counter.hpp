// Counts heap allocations, in the program that links allocation_counter.cpp and in no other.
#pragma once

#include <cstdint>

namespace strata::tools {

/// Calls of malloc, calloc, realloc and aligned allocation by the whole process so far, and with them of
/// operator new.
std::uint64_t allocation_count();

}  // namespace strata::tools
