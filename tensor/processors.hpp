// How many processors this process may use.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace strata {

/// The number of threads where the program sets none: the environment's OMP_NUM_THREADS, else the smaller of
/// the affinity mask's processors and `cpu_quota`.
std::size_t default_thread_count();

/// The same from its parts: `omp_num_threads` is the variable's text, of which the first number counts, or
/// null; what is no positive number is ignored. Part of a processor's time is worth a thread. At least 1.
std::size_t default_thread_count(const char* omp_num_threads, std::size_t processors, double quota);

/// The processors' worth of time that control groups grant: the least quota over period along the paths that
/// `memberships`, the text of /proc/self/cgroup, names below the folder `mount`. Reads version 2's cpu.max
/// and version 1's cpu.cfs_quota_us and cpu.cfs_period_us; infinite where none is set.
double cpu_quota(const std::string& memberships, const std::filesystem::path& mount);

}  // namespace strata
