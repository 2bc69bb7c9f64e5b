// ZIP archives, which NumPy's .npz files are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "strata/tensor/io/file.hpp"

namespace strata {

/// An archive whose members are stored or deflated, up to 4 GiB each. Errors are std::runtime_error
/// "[read_zip] file: fact; hint".
class ZipArchive {
 public:
  /// Reads the list of members, each of which lies within the file.
  explicit ZipArchive(std::filesystem::path file);

  /// Their names in alphabetical order.
  std::vector<std::string> names() const;

  /// A member, uncompressed as far as it is asked for.
  class Member {
   public:
    std::size_t size() const;

    /// The next bytes. Throws where there are not so many, or they are corrupt: the last read compares the
    /// checksum.
    std::string read(std::size_t count);

   private:
    friend class ZipArchive;
    struct State;
    explicit Member(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
  };

  /// The member of that name. Throws if there is none, or none that can be read.
  Member open(const std::string& name) const;

 private:
  struct Entry {
    std::uint32_t flags, method, checksum;
    std::size_t compressed, size, place;  // bytes, and where its own header lies
  };

  std::filesystem::path file_;
  std::map<std::string, Entry> entries_;
};

}  // namespace strata
