#include "strata/tensor/processors.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <limits>

#include "strata/tests/temporary_folder.hpp"

using namespace strata;

namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

void write(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

}  // namespace

TEST_CASE("OMP_NUM_THREADS sets the default count, else processors and quota do") {
  CHECK(default_thread_count("3", 2, 1) == 3);
  CHECK(default_thread_count(" 4,2", 2, unlimited) == 4);
  for (const char* ignored : {"", "0", "-1", "many", ",2", "99999999999999999999"})
    CHECK(default_thread_count(ignored, 2, unlimited) == 2);
  CHECK(default_thread_count(nullptr, 8, unlimited) == 8);
  CHECK(default_thread_count(nullptr, 8, 1) == 1);
  CHECK(default_thread_count(nullptr, 8, 2.5) == 3);
  CHECK(default_thread_count(nullptr, 8, 0.1) == 1);
  CHECK(default_thread_count(nullptr, 2, 16) == 2);
  CHECK(default_thread_count(nullptr, 0, unlimited) == 1);
  CHECK(default_thread_count() >= 1);
}

TEST_CASE("cpu_quota of version 2 is the least along the group's path") {
  const TemporaryFolder mount;
  CHECK(cpu_quota("", mount.path()) == unlimited);
  CHECK(cpu_quota("0::/\n", mount.path()) == unlimited);
  write(mount / "a/cpu.max", "150000 100000\n");
  write(mount / "a/b/cpu.max", "max 100000\n");
  write(mount / "a/c/cpu.max", "50000 100000\n");
  CHECK(cpu_quota("0::/\n", mount.path()) == unlimited);
  CHECK(cpu_quota("0::/a\n", mount.path()) == 1.5);
  CHECK(cpu_quota("0::/a/b\n", mount.path()) == 1.5);
  CHECK(cpu_quota("0::/a/c/without/files", mount.path()) == 0.5);
  CHECK(cpu_quota("0::/../a\n", mount.path()) == 1.5);  // seen from within a namespace
  write(mount / "cpu.max", "100000 100000\n");          // a container's own group, mounted there
  CHECK(cpu_quota("0::/host/path\n", mount.path()) == 1);
  CHECK(cpu_quota("0::/a/b\n", mount.path()) == 1);
}

TEST_CASE("cpu_quota of version 1 belongs to the cpu controller's hierarchy") {
  const TemporaryFolder mount;
  const auto quota = [&](const std::string& group, const std::string& text) {
    write(mount / group / "cpu.cfs_quota_us", text);
    write(mount / group / "cpu.cfs_period_us", "100000\n");
  };
  quota("cpu,cpuacct", "-1\n");
  quota("cpu,cpuacct/a", "200000\n");
  quota("cpu,cpuacct/a/b", "-1\n");
  quota("cpuset/a", "1000\n");
  const std::string lines = "4:memory:/a\n3:cpuset:/a\n2:cpu,cpuacct:/a/b\n0::/\n";
  CHECK(cpu_quota(lines, mount.path()) == 2);
  CHECK(cpu_quota("2:cpu,cpuacct:/\n", mount.path()) == unlimited);
  quota("cpu/d:e", "100000\n");
  CHECK(cpu_quota("2:cpu:/d:e\n", mount.path()) == 1);
  CHECK(cpu_quota("3:cpuset:/a\n", mount.path()) == unlimited);
}

TEST_CASE("cpu_quota ignores what is no quota") {
  const TemporaryFolder mount;
  for (const char* text : {"", "max", "100000", "0 100000", "100000 0", "-1 100000", "text\n"}) {
    write(mount / "cpu.max", text);
    CHECK(cpu_quota("0::/\n", mount.path()) == unlimited);
  }
  for (const char* lines : {"0", "0:", "0::", ":::::\n\n\n"})
    CHECK(cpu_quota(lines, mount.path()) == unlimited);
}
