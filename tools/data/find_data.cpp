#include "strata/tools/data/find_data.hpp"

#include <cstdlib>
#include <ostream>

#include "strata/tensor/io/file.hpp"

namespace strata::tools {
namespace {

namespace fs = std::filesystem;

// What keeps the folder from being MNIST's: "no such folder" or the missing files; empty if nothing does.
std::string missing_from(const fs::path& folder) {
  std::error_code ignored;  // a folder that cannot be read is none
  if (!fs::is_directory(folder, ignored)) return "no such folder";
  std::string names;
  for (const RemoteFile& file : mnist_files())
    if (!find_plain_or_gzip(folder, file.name)) names += (names.empty() ? "" : ", ") + file.name;
  return names.empty() ? "" : "lacks " + names + " (plain or .gz)";
}

// Downloads what the folder lacks, if that is allowed; why the folder is still no data set, or nothing.
std::string obtain(const fs::path& folder, const DataSearch& search) {
  const std::string missing = missing_from(folder);
  if (missing.empty()) return "";
  if (!search.download) return missing + ", and downloading is off";
  try {
    download_mnist(folder, search.source);
    return "";
  } catch (const Unavailable& error) {
    return missing + ", and the download failed: " + error.what();
  }
}

}  // namespace

ImageData find_data(const DataSearch& search) {
  if (search.data) return load_data(*search.data);
  if (const char* named = std::getenv("STRATA_MNIST_DIR"); named != nullptr && *named != '\0')
    return load_data(named);

  const fs::path own = fs::path("data") / "mnist";
  const std::string reason = obtain(own, search);
  if (reason.empty()) return load_data(own);
  if (const std::string nothing = missing_from(search.fashion); !nothing.empty())
    fail_file(
        "data", own,
        reason + "; nor is Fashion-MNIST there (" + search.fashion.string() + ": " + nothing +
            "); name a folder with images by --data or STRATA_MNIST_DIR, allow the download, or install "
            "Debian's package dataset-fashion-mnist");
  if (std::ostream* log = search.source.log)
    *log << own.string() << ": " << reason << "\nFashion-MNIST stands in" << std::endl;
  return load_data(search.fashion);
}

}  // namespace strata::tools
