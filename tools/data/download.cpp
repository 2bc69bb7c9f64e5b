#include "strata/tools/data/download.hpp"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <array>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "strata/tensor/io/file.hpp"
#include "strata/tensor/io/idx.hpp"

namespace strata::tools {
namespace {

using Bytes = std::vector<unsigned char>;

constexpr const char* operation = "download_mnist";

std::string checksum_fact(const std::string& found, const std::string& expected) {
  return "its uncompressed content has SHA-256 " + found + ", expected " + expected;
}

// What a transfer has received so far; the callback refuses bytes past the limit.
struct Received {
  std::string bytes;
  std::size_t limit;
};

std::size_t receive(const char* data, std::size_t, std::size_t count, void* user) noexcept {
  auto& received = *static_cast<Received*>(user);
  if (count > received.limit - received.bytes.size()) return 0;
  received.bytes.append(data, count);
  return count;
}

// Only the web's protocols, and none after a redirection that protects less than the address asked for.
void restrict_protocols(CURL* curl, const std::string& url) {
  const bool secure = url.starts_with("https:");
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
#else
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS, long{CURLPROTO_HTTP | CURLPROTO_HTTPS});
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS, long{CURLPROTO_HTTPS | (secure ? 0 : CURLPROTO_HTTP)});
#endif
}

// The body found at the address. Throws std::runtime_error with the bare reason.
std::string transfer(const std::string& url, const TransferLimits& limits) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle(
      initialised == CURLE_OK ? curl_easy_init() : nullptr, curl_easy_cleanup);
  if (!handle) throw std::runtime_error("libcurl does not start");
  CURL* curl = handle.get();
  Received received{{}, limits.bytes};
  std::array<char, CURL_ERROR_SIZE> message{};
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "strata/0.1");
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message.data());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &received);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(limits.connect.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, static_cast<long>(limits.total.count()));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1024L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(limits.stalled.count()));
  restrict_protocols(curl, url);

  const CURLcode code = curl_easy_perform(curl);
  if (code == CURLE_OK) return std::move(received.bytes);
  if (code == CURLE_HTTP_RETURNED_ERROR) {
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    throw std::runtime_error("HTTP status " + std::to_string(status));
  }
  if (code == CURLE_WRITE_ERROR)
    throw std::runtime_error("longer than the limit of " + std::to_string(limits.bytes) + " bytes");
  throw std::runtime_error(message[0] != '\0' ? message.data() : curl_easy_strerror(code));
}

// The content of gzip data. Throws std::runtime_error with the bare reason.
Bytes gunzip(std::string& compressed, std::size_t limit) {
  constexpr int gzip_only = 16 + MAX_WBITS;
  z_stream stream{};
  if (inflateInit2(&stream, gzip_only) != Z_OK) throw std::runtime_error("zlib does not start");
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> end(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_in = static_cast<uInt>(compressed.size());
  Bytes content;
  std::array<unsigned char, 1 << 16> piece;
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = piece.data();
    stream.avail_out = piece.size();
    status = inflate(&stream, Z_NO_FLUSH);
    const auto made = static_cast<std::ptrdiff_t>(piece.size() - stream.avail_out);
    content.insert(content.end(), piece.begin(), piece.begin() + made);
    if (content.size() > limit)
      throw std::runtime_error("uncompressed longer than the limit of " + std::to_string(limit) + " bytes");
  }
  if (status != Z_STREAM_END)
    throw std::runtime_error(status == Z_BUF_ERROR ? "gzip data end too early" : "not gzip data");
  // Readers would take a second gzip stream for more content, which no checksum covers.
  if (stream.avail_in != 0) throw std::runtime_error("gzip data are followed by something else");
  return content;
}

// The .gz file from one mirror, checked. Throws std::runtime_error with the bare reason.
std::string fetch(const std::string& url, const RemoteFile& file, const TransferLimits& limits) {
  std::string compressed = transfer(url, limits);
  const std::string found = sha256(gunzip(compressed, limits.bytes));
  if (found != file.sha256) throw std::runtime_error(checksum_fact(found, file.sha256));
  return compressed;
}

std::string fetch_from_any(const RemoteFile& file, const std::filesystem::path& folder,
                           const DownloadOptions& options) {
  std::string reasons;
  for (const std::string& mirror : options.mirrors) {
    const std::string url = mirror + file.name + ".gz";
    if (options.log) *options.log << "downloading " << url << std::endl;
    try {
      return fetch(url, file, options.limits);
    } catch (const std::runtime_error& error) {
      if (options.log) *options.log << "  failed: " << error.what() << std::endl;
      reasons += (reasons.empty() ? "" : ", ") + mirror + " (" + error.what() + ")";
    }
  }
  throw Unavailable(std::string("[") + operation + "] " + file.name +
                    ".gz: no mirror delivers it: " + (reasons.empty() ? "none given" : reasons) +
                    "; check the connection, or put the file into " + folder.string() + " yourself");
}

// Whether the file is there with the right content; another content is the user's, and an error.
bool is_there(const std::filesystem::path& folder, const RemoteFile& file, std::size_t limit) {
  const auto path = find_plain_or_gzip(folder, file.name);
  if (!path) return false;
  const std::string found = sha256(read_maybe_gzip(*path, limit));
  if (found != file.sha256)
    fail_file(operation, *path,
              checksum_fact(found, file.sha256) + "; move it away or delete it to download it again");
  return true;
}

}  // namespace

std::vector<RemoteFile> mnist_files() {
  return {{"train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
          {"train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
          {"t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
          {"t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}};
}

std::vector<std::string> mnist_mirrors() {
  return {"https://storage.googleapis.com/cvdf-datasets/mnist/",
          "https://ossci-datasets.s3.amazonaws.com/mnist/"};
}

void download_mnist(const std::filesystem::path& folder, const DownloadOptions& options) {
  std::vector<RemoteFile> wanted;
  for (const RemoteFile& file : options.files)
    if (!is_there(folder, file, options.limits.bytes)) wanted.push_back(file);
  for (const RemoteFile& file : wanted) {
    const std::string compressed = fetch_from_any(file, folder, options);
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) fail_file(operation, folder, "cannot be made: " + error.message() + "; check its permissions");
    write_atomically(folder / (file.name + ".gz"), compressed, operation);
  }
}

std::optional<std::filesystem::path> find_plain_or_gzip(const std::filesystem::path& folder,
                                                        const std::string& name) {
  std::error_code ignored;  // a folder that cannot be read has no such file
  std::string dotted = name;
  if (const auto hyphen = name.rfind("-idx"); hyphen != name.npos) dotted[hyphen] = '.';
  for (const std::string& candidate : {name, name + ".gz", dotted, dotted + ".gz"})
    if (std::filesystem::is_regular_file(folder / candidate, ignored)) return folder / candidate;
  return std::nullopt;
}

std::string sha256(std::span<const unsigned char> bytes, std::span<const unsigned char> more) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> sum(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!sum || EVP_DigestInit_ex(sum.get(), EVP_sha256(), nullptr) != 1 ||
      EVP_DigestUpdate(sum.get(), bytes.data(), bytes.size()) != 1 ||
      EVP_DigestUpdate(sum.get(), more.data(), more.size()) != 1 ||
      EVP_DigestFinal_ex(sum.get(), digest.data(), &length) != 1)
    throw std::runtime_error("[sha256] OpenSSL computes no SHA-256");
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < length; ++i) {
    text += digits[digest[i] >> 4];
    text += digits[digest[i] & 15];
  }
  return text;
}

}  // namespace strata::tools
