#include "strata/tensor/processors.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>
#include <thread>

namespace strata {
namespace {

namespace fs = std::filesystem;

constexpr double unlimited = std::numeric_limits<double>::infinity();

// quota / period as a group's files give it: "max" (version 2) and -1 (version 1) are no limit.
double group_quota(const fs::path& group) {
  double quota = 0, period = 0;
  const auto limit = [&](bool read) { return read && quota > 0 && period > 0 ? quota / period : unlimited; };
  if (std::ifstream file(group / "cpu.max"); file) return limit(static_cast<bool>(file >> quota >> period));
  std::ifstream quota_file(group / "cpu.cfs_quota_us"), period_file(group / "cpu.cfs_period_us");
  return limit(quota_file >> quota && period_file >> period);
}

// The least quota of a group and those it lies in. A path that is not there is the host's, seen from a
// container whose own group is mounted at `mount`.
double quota_along(const fs::path& mount, const std::string& path) {
  double least = group_quota(mount);
  fs::path group = mount;
  for (const fs::path& part : fs::path(path).lexically_normal().relative_path())
    least = std::min(least, group_quota(group /= part));
  return least;
}

std::size_t affinity_count() {
  cpu_set_t processors;
  if (sched_getaffinity(0, sizeof processors, &processors) == 0)
    return static_cast<std::size_t>(CPU_COUNT(&processors));
  return std::thread::hardware_concurrency();
}

#ifdef __x86_64__
// Code for a newer processor than this one would end by an illegal instruction, anywhere: said before any of
// it runs.
[[gnu::constructor(101), gnu::used, gnu::target("arch=x86-64")]] void require_processor() {
  __builtin_cpu_init();
  bool there = true;
#ifdef __AVX2__
  there = there && __builtin_cpu_supports("avx2");
#endif
#ifdef __FMA__
  there = there && __builtin_cpu_supports("fma");
#endif
#ifdef __AVX512F__
  there = there && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
#endif
  if (there) return;
  static constexpr char complaint[] =
      "strata was compiled for a newer processor than this one; build it here, or with -DSTRATA_NATIVE=OFF "
      "for any\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, complaint, sizeof complaint - 1);
  ::_exit(2);
}
#endif

}  // namespace

double cpu_quota(const std::string& memberships, const fs::path& mount) {
  double least = unlimited;
  std::istringstream lines(memberships);
  // A line is "id:controllers:path"; version 2 names no controllers.
  for (std::string id, controllers, path;
       std::getline(lines, id, ':') && std::getline(lines, controllers, ':') && std::getline(lines, path);) {
    if (controllers.empty())
      least = std::min(least, quota_along(mount, path));
    else if (("," + controllers + ",").find(",cpu,") != std::string::npos)
      least = std::min({least, quota_along(mount / "cpu", path), quota_along(mount / controllers, path)});
  }
  return least;
}

std::size_t default_thread_count(const char* omp_num_threads, std::size_t processors, double quota) {
  if (omp_num_threads != nullptr) {
    const char* first = omp_num_threads + std::strspn(omp_num_threads, " \t");
    std::size_t count = 0;
    if (std::from_chars(first, first + std::strlen(first), count).ec == std::errc() && count > 0)
      return count;
  }
  const double usable = std::min(static_cast<double>(processors), std::ceil(quota));
  return std::max<std::size_t>(1, static_cast<std::size_t>(usable));
}

std::size_t default_thread_count() {
  std::ostringstream memberships;
  memberships << std::ifstream("/proc/self/cgroup").rdbuf();
  return default_thread_count(std::getenv("OMP_NUM_THREADS"), affinity_count(),
                              cpu_quota(memberships.str(), "/sys/fs/cgroup"));
}

}  // namespace strata
