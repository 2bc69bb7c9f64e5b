// Files: read no further than they are long, written atomically, and the one form of error that speaks of
// one.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "strata/tensor/tensor.hpp"

namespace strata {

/// The text as one line that a terminal only shows, whatever file it came from: control characters (C0, C1),
/// marks of direction and bytes that are no UTF-8 become "\x1b", "\u202e"; of more than 1,000 bytes the
/// middle becomes " ... ".
std::string printable(std::string_view text);

/// Throws std::runtime_error "[operation] file: message", made printable. The message is a fact and, after a
/// semicolon, a hint.
[[noreturn]] void fail_file(std::string_view operation, const std::filesystem::path& file,
                            const std::string& message);

/// What a file system refuses to a program that asks rightly: a full disk, no permission, an input/output
/// error.
struct WriteFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The same for one: "cannot be written: " and what the system says.
[[noreturn]] void fail_write(std::string_view operation, const std::filesystem::path& file,
                             const std::error_code& error);

/// Throws (fail_file) unless `file` exists and is a regular file or a link to one.
void require_regular_file(const std::filesystem::path& file, std::string_view operation = "read_file");

/// A regular file, read piece by piece: what a format announces is compared with `size` before memory is
/// taken.
class InputFile {
 public:
  /// Throws (fail_file) unless the file is a regular one that can be opened.
  explicit InputFile(std::filesystem::path file, std::string operation = "read_file");

  std::size_t size() const { return size_; }

  /// The next bytes. Throws (fail_file) where there are not so many.
  std::string read(std::size_t count);

  /// Goes on from this place, which lies within the file.
  void seek(std::size_t place) { stream_.seekg(static_cast<std::streamoff>(place)); }

 private:
  std::filesystem::path file_;
  std::string operation_;
  std::ifstream stream_;
  std::size_t size_ = 0;
};

/// The bytes of a regular file. Throws (fail_file) if it cannot be read.
std::string read_file(const std::filesystem::path& file, std::string_view operation = "read_file");

/// Whether the file that a new one replaces becomes its previous generation.
enum class Replaced { dropped, kept };

/// Where that is: "checkpoint.previous.safetensors" for "checkpoint.safetensors".
std::filesystem::path previous_generation(const std::filesystem::path& file);

/// Writes `bytes` so that, even through a crash, `file` holds either its old content or all of the new: a
/// temporary file in the same folder is written, synchronised with the disk and renamed. A link is followed.
/// Where the replaced file is kept there is for a moment only that one, as the previous generation. Throws
/// WriteFailure; then the old file is untouched and the temporary one removed, unless only the last steps,
/// renaming and synchronising the folder, went wrong.
void write_atomically(const std::filesystem::path& file, std::string_view bytes,
                      std::string_view operation = "write_atomically", Replaced replaced = Replaced::dropped);

/// Keeps the first bytes of a file, which has at least so many, or is made; what it had beyond is replaced by
/// `bytes`, synchronised with the disk. A crash may leave some of them. Throws WriteFailure.
void replace_tail(const std::filesystem::path& file, std::size_t kept, std::string_view bytes,
                  std::string_view operation = "replace_tail");

/// Whether a file of `size` bytes, each of which stands for `ratio` at most, may hold `bytes` of content; 16
/// MiB are always believed.
bool plausible_content(std::size_t bytes, std::size_t size, std::size_t ratio = 100);

/// product(shape) × element_size, or nothing if that, or a stride of such a tensor, exceeds what
/// std::ptrdiff_t holds: shapes read from a file may be anything.
std::optional<std::size_t> byte_count(const Shape& shape, std::size_t element_size);

}  // namespace strata
