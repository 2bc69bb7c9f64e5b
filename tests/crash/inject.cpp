// Preloaded into a program, kills it or fails one of its system calls, in the middle of what it writes:
//
//     LD_PRELOAD=libinject.so STRATA_INJECT="<n> <error> <folder> <count>" program
//
// The n-th call that changes something below the folder fails with that error number, or for error 0 kills
// the program before it does anything; of a write half is done before. The number of such calls goes into the
// file <count> at the program's end.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace {

struct Plan {
  long at = 0;
  int error = 0;
  std::string folder, count;
};

const Plan& plan() {
  static const Plan read = [] {
    Plan p;
    if (const char* text = std::getenv("STRATA_INJECT"))
      std::istringstream(text) >> p.at >> p.error >> p.folder >> p.count;
    return p;
  }();
  return read;
}

std::atomic<long> calls = 0;

template <class F> F* next(const char* name, F*) { return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name)); }
#define NEXT(function) next(#function, &::function)

std::string link_target(const std::string& link) {
  char target[PATH_MAX];
  const ssize_t size = ::readlink(link.c_str(), target, sizeof target);
  return std::string(target, size < 0 ? 0 : static_cast<std::size_t>(size));
}
std::string path_of(int fd) { return link_target("/proc/self/fd/" + std::to_string(fd)); }
std::string path_of(const char* path) {
  return path[0] == '/' ? path : link_target("/proc/self/cwd") + "/" + path;
}
std::string path_of(int folder, const char* path) {
  return path[0] == '/' || folder == AT_FDCWD ? path_of(path) : path_of(folder) + "/" + path;
}

// Whether this call is the one.
bool due(const std::string& path) {
  return !plan().folder.empty() && path.starts_with(plan().folder) && ++calls == plan().at;
}
int strike() {
  if (plan().error == 0) ::kill(::getpid(), SIGKILL);
  errno = plan().error;
  return -1;
}

struct Report {
  Report() { plan(); }  // which thereby outlives it
  ~Report() {
    if (!plan().count.empty()) std::ofstream(plan().count) << calls;
  }
} report;

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  if ((flags & (O_CREAT | O_DIRECTORY)) && due(path_of(path))) return strike();
  return NEXT(open)(path, flags, mode);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  if (!due(path_of(fd))) return NEXT(write)(fd, bytes, size);
  (void)!NEXT(write)(fd, bytes, size / 2);
  return strike();
}

int fsync(int fd) { return due(path_of(fd)) ? strike() : NEXT(fsync)(fd); }

int close(int fd) {
  const bool fails = due(path_of(fd));
  const int closed = NEXT(close)(fd);
  return fails ? strike() : closed;
}

int rename(const char* from, const char* to) noexcept {
  return due(path_of(to)) ? strike() : NEXT(rename)(from, to);
}
int mkdir(const char* path, mode_t mode) noexcept {
  return due(path_of(path)) ? strike() : NEXT(mkdir)(path, mode);
}
int unlink(const char* path) noexcept { return due(path_of(path)) ? strike() : NEXT(unlink)(path); }
int remove(const char* path) noexcept { return due(path_of(path)) ? strike() : NEXT(remove)(path); }
int unlinkat(int folder, const char* path, int flags) noexcept {
  return due(path_of(folder, path)) ? strike() : NEXT(unlinkat)(folder, path, flags);
}

}  // extern "C"
