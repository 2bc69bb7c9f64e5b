// Where the tests of programs run them.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "strata/tests/temporary_folder.hpp"
#include "strata/tests/tools/data/idx_files.hpp"
#include "strata/tests/tools/program.hpp"

namespace strata::tools {

using Arguments = std::vector<std::string>;

/// A folder with the data set `data` of 60 + 20 images, where programs run.
class ProgramFolder {
 public:
  ProgramFolder() {
    std::filesystem::create_directory(folder_ / "data");
    write_images(folder_ / "data", "train", 60);
    write_images(folder_ / "data", "t10k", 20);
  }

  std::filesystem::path operator/(const std::filesystem::path& name) const { return folder_ / name; }

  /// The arguments of train_mnist for one epoch of a small model into the folder `out`, unless `more` says
  /// otherwise; a resumed run takes no others.
  static Arguments arguments(const Arguments& more = {}) {
    const auto given = [&](const char* option) {
      return std::find(more.begin(), more.end(), option) != more.end();
    };
    const std::map<std::string, std::string> usual = {
        {"--data", "data"}, {"--out", "out"}, {"--hidden", "16,8"}, {"--batch", "20"}, {"--epochs", "1"}};
    Arguments all = more;
    for (const auto& [option, value] : usual)
      if (!given(option.c_str()) && !given("--resume")) all.insert(all.end(), {option, value});
    return all;
  }

  /// A run of train_mnist with them.
  Ran train(const Arguments& more = {}, const Surroundings& around = {}) const {
    return run(STRATA_TRAIN_MNIST, arguments(more), folder_.path(), around);
  }
  std::unique_ptr<Running> start(const Arguments& more = {}, const Surroundings& around = {}) const {
    return std::make_unique<Running>(STRATA_TRAIN_MNIST, arguments(more), folder_.path(), around);
  }

  /// Another program on that run.
  Ran read(const char* program, const Arguments& more = {}) const {
    Arguments all = {"out", "--data", "data"};
    all.insert(all.end(), more.begin(), more.end());
    return run(program, all, folder_.path());
  }

  /// Every path below a folder of the workplace, and the files' bytes.
  std::map<std::string, std::string> content(const std::filesystem::path& below = "") const {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / below))
      all[std::filesystem::relative(entry.path(), folder_ / below)] =
          entry.is_regular_file() ? content_of(entry) : "";
    return all;
  }

  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

}  // namespace strata::tools
