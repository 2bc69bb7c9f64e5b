#include "strata/tensor/io/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace strata {
namespace {

namespace fs = std::filesystem;

// The result of a POSIX call; -1 becomes an exception.
template <class R> R checked(R result) {
  if (result == -1) throw std::system_error(errno, std::generic_category());
  return result;
}

// An open file, closed on every way out.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(checked(fd)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ != -1) ::close(fd_);
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written == -1 && errno == EINTR) continue;
      bytes.remove_prefix(static_cast<std::size_t>(checked(written)));
    }
  }
  void truncate(std::size_t size) { checked(::ftruncate(fd_, static_cast<off_t>(size))); }
  void synchronise() { checked(::fsync(fd_)); }
  // Network file systems report a failed write only here.
  void close() { checked(::close(std::exchange(fd_, -1))); }

 private:
  int fd_;
};

// A name beside `target` that no other file has, created with the permissions that the user's mask gives.
// O_EXCL makes it unique among writers, whichever process or machine they run on.
int create_beside(const fs::path& target, fs::path& created) {
  for (int attempt = 0;; ++attempt) {
    created = target;
    created += ".tmp" + std::to_string(attempt);
    const int fd = ::open(created.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd != -1 || errno != EEXIST) return fd;
  }
}

void write_and_rename(const fs::path& target, std::string_view bytes, Replaced replaced) {
  fs::path temporary;
  Descriptor file(create_beside(target, temporary));
  try {
    file.write(bytes);
    file.synchronise();
    file.close();
    if (replaced == Replaced::kept && fs::exists(target)) fs::rename(target, previous_generation(target));
    fs::rename(temporary, target);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

// How many bytes the first character of a text in UTF-8 takes, and its code; where it is none, the byte.
struct Character {
  std::size_t bytes;
  char32_t code;
  bool valid;
};

Character first_character(std::string_view text) {
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto ones = static_cast<std::size_t>(std::countl_one(byte(0)));
  const std::size_t bytes = ones == 0 ? 1 : ones;
  if (ones == 1 || ones > 4 || bytes > text.size()) return {1, byte(0), false};
  char32_t code = byte(0) & (0x7fu >> ones);
  for (std::size_t i = 1; i < bytes; ++i) {
    if (std::countl_one(byte(i)) != 1) return {1, byte(0), false};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  if (code < least[bytes]) return {1, byte(0), false};
  return {bytes, code, true};
}

// Whether a terminal would do something else with it than show it.
bool commands_terminal(char32_t code) {
  constexpr std::pair<char32_t, char32_t> ranges[] = {
      {0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},   {0x200b, 0x200f},   {0x2028, 0x202e},
      {0x2060, 0x206f}, {0xd800, 0xdfff}, {0xfeff, 0xfeff}, {0xe0000, 0xe007f}, {0x110000, ~0u >> 1}};
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [&](const auto& range) { return range.first <= code && code <= range.second; });
}

// "[operation] file: message" on one line
std::string message_of(std::string_view operation, const fs::path& file, const std::string& message) {
  return printable("[" + std::string(operation) + "] " + file.string() + ": " + message);
}

}  // namespace

std::string printable(std::string_view text) {
  constexpr std::size_t most = 1000, head = 700, tail = 200;
  if (text.size() > most)
    return printable(text.substr(0, head)) + " ... " + printable(text.substr(text.size() - tail));
  std::string line;
  for (Character c; !text.empty(); text.remove_prefix(c.bytes)) {
    c = first_character(text);
    if (c.valid && !commands_terminal(c.code)) {
      line += text.substr(0, c.bytes);
      continue;
    }
    std::array<char, 12> escape{};
    std::snprintf(escape.data(), escape.size(), c.bytes == 1 ? "\\x%02x" : "\\u%04x",
                  static_cast<unsigned>(c.code));
    line += escape.data();
  }
  return line;
}

void fail_file(std::string_view operation, const fs::path& file, const std::string& message) {
  throw std::runtime_error(message_of(operation, file, message));
}

void fail_write(std::string_view operation, const fs::path& file, const std::error_code& error) {
  throw WriteFailure(message_of(operation, file,
                                "cannot be written: " + error.message() +
                                    "; check that its folder exists, may be written to and has space left"));
}

void require_regular_file(const fs::path& file, std::string_view operation) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found) fail_file(operation, file, "does not exist; check the path");
  if (status.type() == fs::file_type::none)
    fail_file(operation, file, "cannot be opened: " + error.message() + "; check the path");
  if (status.type() != fs::file_type::regular)
    fail_file(operation, file, "is not a regular file; give the path of the file itself");
}

InputFile::InputFile(fs::path file, std::string operation)
    : file_(std::move(file)), operation_(std::move(operation)) {
  require_regular_file(file_, operation_);
  stream_.open(file_, std::ios::binary | std::ios::ate);
  if (!stream_)
    fail_file(operation_, file_,
              "cannot be opened: " + std::generic_category().message(errno) + "; check its permissions");
  size_ = static_cast<std::size_t>(stream_.tellg());
  stream_.seekg(0);
}

std::string InputFile::read(std::size_t count) {
  const auto left = size_ - static_cast<std::size_t>(stream_.tellg());
  std::string bytes(std::min(count, left), '\0');
  stream_.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!stream_ || count > left)
    fail_file(operation_, file_,
              "cannot be read in full, or changes meanwhile; is another program writing it?");
  return bytes;
}

std::string read_file(const fs::path& file, std::string_view operation) {
  InputFile input(file, std::string(operation));
  return input.read(input.size());
}

fs::path previous_generation(const fs::path& file) {
  fs::path previous = file;
  previous.replace_extension(".previous" + file.extension().string());
  return previous;
}

void write_atomically(const fs::path& file, std::string_view bytes, std::string_view operation,
                      Replaced replaced) {
  fs::path target;
  try {
    // Renaming would replace a link, or a device such as /dev/null, instead of writing to it.
    target = fs::weakly_canonical(fs::absolute(file));
    if (fs::exists(target)) require_regular_file(target, operation);
    write_and_rename(target, bytes, replaced);
  } catch (const std::system_error& error) {
    fail_write(operation, file, error.code());
  }
  try {  // the folder holds the new name
    Descriptor(::open(target.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)).synchronise();
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::invalid_argument) return;  // a file system without that operation
    throw WriteFailure(message_of(operation, file,
                                  "is written, but its folder could not be synchronised with the disk: " +
                                      error.code().message() + "; a crash now may bring the old file back"));
  }
}

void replace_tail(const fs::path& file, std::size_t kept, std::string_view bytes,
                  std::string_view operation) {
  try {
    Descriptor out(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
    out.truncate(kept);
    out.write(bytes);
    out.synchronise();
    out.close();
  } catch (const std::system_error& error) {
    fail_write(operation, file, error.code());
  }
}

bool plausible_content(std::size_t bytes, std::size_t size, std::size_t ratio) {
  return bytes <= std::size_t{16} << 20 || bytes / ratio <= size;
}

std::optional<std::size_t> byte_count(const Shape& shape, std::size_t element_size) {
  std::size_t stride = element_size;
  for (const std::size_t size : shape) {
    if (size == 0) continue;  // strides pass over an empty axis
    if (stride > static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / size) return {};
    stride *= size;
  }
  return std::find(shape.begin(), shape.end(), std::size_t{0}) == shape.end() ? stride : 0;
}

}  // namespace strata
