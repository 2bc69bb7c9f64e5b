// A program whose processes speak by MPI.
#include <fcntl.h>
#include <mpi.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <thread>
#include <vector>

#include "strata/tools/run/job.hpp"

namespace strata::tools {
namespace {

int count_of(std::size_t size) {
  if (size > std::numeric_limits<int>::max())
    fail("mpi", std::to_string(size) + " numbers are more than one sum of MPI takes");
  return static_cast<int>(size);
}

// MPI itself ends all processes where one of its calls fails. Its sums are the same bits in every process for
// every algorithm that Open MPI has: each number is added up in one place, or symmetrically.
class MpiGroup : public Group {
 public:
  using Group::Group;

 private:
  void sum_all(std::span<float> x) override { sum(x, MPI_FLOAT); }
  void sum_all(std::span<double> x) override { sum(x, MPI_DOUBLE); }
  void begin_all(std::span<float> x) override { begin(x, MPI_FLOAT); }
  void begin_all(std::span<double> x) override { begin(x, MPI_DOUBLE); }

  template <class T> void sum(std::span<T> x, MPI_Datatype type) {
    MPI_Allreduce(MPI_IN_PLACE, x.data(), count_of(x.size()), type, MPI_SUM, MPI_COMM_WORLD);
  }
  template <class T> void begin(std::span<T> x, MPI_Datatype type) {
    int done = 0;  // of the sums before, which move on only within calls
    MPI_Testall(static_cast<int>(begun_.size()), begun_.data(), &done, MPI_STATUSES_IGNORE);
    if (done) begun_.clear();
    MPI_Iallreduce(MPI_IN_PLACE, x.data(), count_of(x.size()), type, MPI_SUM, MPI_COMM_WORLD,
                   &begun_.emplace_back());
  }
  void finish_all() override {
    MPI_Waitall(static_cast<int>(begun_.size()), begun_.data(), MPI_STATUSES_IGNORE);
    begun_.clear();
  }

  std::vector<MPI_Request> begun_;
};

// A process that nobody started as one of several needs no MPI, and starts without.
bool was_launched() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_NAMESPACE", "PMI_SIZE"})
    if (std::getenv(name) != nullptr) return true;
  return false;
}

int of_world(int (*get)(MPI_Comm, int*)) {
  int number = 0;
  get(MPI_COMM_WORLD, &number);
  return number;
}

}  // namespace

struct Job::Processes {
  int rank = of_world(MPI_Comm_rank), size = of_world(MPI_Comm_size);
  MpiGroup group{static_cast<std::size_t>(rank), static_cast<std::size_t>(size)};
  MPI_Comm end;  // where processes meet that end
  bool ended = false;

  // The first of those that fail, once all processes have ended, or −1 after so many seconds.
  int meet(bool fails, double seconds) {
    const int own = fails ? rank : size;
    int first = size, done = 0;
    MPI_Request request;
    MPI_Iallreduce(&own, &first, 1, MPI_INT, MPI_MIN, end, &request);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (MPI_Test(&request, &done, MPI_STATUS_IGNORE), !done) {
      if (std::chrono::steady_clock::now() > deadline) return -1;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ended = true;
    return first;
  }
};

Job::Job() {
  if (!was_launched()) return;
  int provided = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
  processes_ = std::make_unique<Processes>();
  MPI_Comm_dup(MPI_COMM_WORLD, &processes_->end);
  if (processes_->rank == 0) return;
  std::cerr.rdbuf(nullptr);
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  dup2(nowhere, STDOUT_FILENO);
  close(nowhere);
}

Job::~Job() {
  if (!processes_) return;
  if (!processes_->ended) processes_->meet(false, std::numeric_limits<double>::infinity());
  MPI_Comm_free(&processes_->end);
  MPI_Finalize();
}

Group* Job::group() const { return processes_ && processes_->size > 1 ? &processes_->group : nullptr; }

void Job::fail(const std::string& line, int status) {
  constexpr double patience = 2;  // seconds
  const int first = processes_ ? processes_->meet(true, patience) : -1;
  if (!processes_ || first == -1 || first == processes_->rank) std::fputs(line.c_str(), stderr);
  if (processes_ && first == -1) MPI_Abort(MPI_COMM_WORLD, status);
}

}  // namespace strata::tools
