// A program without MPI is one process.
#include <iostream>

#include "strata/tools/run/job.hpp"

namespace strata::tools {

struct Job::Processes {};
Job::Job() = default;
Job::~Job() = default;
Group* Job::group() const { return nullptr; }
void Job::fail(const std::string& line, int) { std::cerr << line; }

}  // namespace strata::tools
