// Fetches the MNIST files over HTTP and keeps only what has the right SHA-256.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace strata::tools {

/// A file to fetch: its name without ".gz", and the SHA-256 of its uncompressed content.
struct RemoteFile {
  std::string name;
  std::string sha256;  // 64 hexadecimal digits, lower case
};

/// MNIST's four files, in this order: training images, training labels, test images, test labels.
std::vector<RemoteFile> mnist_files();

/// Addresses under which "<name>.gz" is served, each ending in '/', in the order in which they are tried.
std::vector<std::string> mnist_mirrors();

/// When a transfer is given up.
struct TransferLimits {
  std::chrono::seconds connect{10};                   // until the connection stands
  std::chrono::seconds stalled{30};                   // this long below 1 KiB a second
  std::chrono::seconds total{600};                    // from the first try to connect to the last byte
  std::size_t bytes = std::size_t{64} * 1024 * 1024;  // of a file, compressed and uncompressed
};

/// What is fetched, from where, and where the progress goes.
struct DownloadOptions {
  std::vector<std::string> mirrors = mnist_mirrors();
  std::vector<RemoteFile> files = mnist_files();
  TransferLimits limits = {};
  std::ostream* log = nullptr;  // one line a transfer, if given
};

/// No mirror delivers a file.
struct Unavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Puts each file into `folder` (made if needed) as "<name>.gz", from the first mirror that delivers it
/// whole and with the right checksum. A file that is already there, plain or .gz, is checked and kept: a good
/// one is not transferred again, one with another checksum is an error before any transfer. Files appear
/// complete or not at all. Throws std::runtime_error "[download_mnist] file: fact; hint": Unavailable, with
/// every mirror's reason, where none delivers a file.
void download_mnist(const std::filesystem::path& folder, const DownloadOptions& options = {});

/// The first of folder/name and folder/name.gz that is a file, or the same with ".idx" for "-idx", or
/// nothing.
std::optional<std::filesystem::path> find_plain_or_gzip(const std::filesystem::path& folder,
                                                        const std::string& name);

/// The SHA-256 of the bytes, and of those after them, as 64 hexadecimal digits, lower case.
std::string sha256(std::span<const unsigned char> bytes, std::span<const unsigned char> more = {});

}  // namespace strata::tools
