#include "strata/tensor/io/zip.hpp"

#include <zlib.h>

#include <algorithm>
#include <utility>

namespace strata {
namespace {

constexpr const char* operation = "read_zip";
constexpr std::size_t end_record = 22, member_record = 46, local_record = 30;
constexpr std::uint32_t stored = 0, deflated = 8, encrypted = 1;

// The little-endian number of so many bytes at a place that exists.
std::uint32_t number(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = count; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

}  // namespace

ZipArchive::ZipArchive(std::filesystem::path file) : file_(std::move(file)) {
  constexpr std::size_t longest_comment = 0xffff;
  InputFile input(file_, operation);
  const auto corrupt = [&](const std::string& fact) { fail_file(operation, file_, fact + "; get it again"); };
  const std::size_t tail_size = std::min(input.size(), end_record + longest_comment);
  input.seek(input.size() - tail_size);
  const std::string tail = input.read(tail_size);
  const auto end = tail.rfind("PK\5\6");
  if (end == std::string::npos || tail.size() - end < end_record)
    corrupt("no ZIP archive ends here, or it is cut short");
  const std::size_t count = number(tail, end + 10, 2), bytes = number(tail, end + 12, 4),
                    place = number(tail, end + 16, 4);
  if (place > input.size() || bytes > input.size() - place)
    corrupt("its list of members lies outside the file");
  input.seek(place);
  const std::string list = input.read(bytes);
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (at > list.size() || list.size() - at < member_record || list.compare(at, 4, "PK\1\2") != 0)
      corrupt("its list of members is corrupt");
    const Entry entry{number(list, at + 8, 2),  number(list, at + 10, 2), number(list, at + 16, 4),
                      number(list, at + 20, 4), number(list, at + 24, 4), number(list, at + 42, 4)};
    const std::size_t name = number(list, at + 28, 2);
    if (list.size() - at - member_record < name) corrupt("its list of members is corrupt");
    if (entry.place > input.size() || entry.compressed > input.size() - entry.place)
      corrupt("a member lies outside the file");
    if (!entries_.emplace(list.substr(at + member_record, name), entry).second)
      corrupt("two members have one name");
    at += member_record + name + number(list, at + 30, 2) + number(list, at + 32, 2);
  }
}

std::vector<std::string> ZipArchive::names() const {
  std::vector<std::string> all;
  for (const auto& [name, entry] : entries_) all.push_back(name);
  return all;
}

struct ZipArchive::Member::State {
  std::filesystem::path file;
  std::string name;
  Entry entry;
  InputFile input;
  std::string piece = {};                          // compressed bytes that zlib reads from
  std::size_t left = entry.compressed, taken = 0;  // of the compressed bytes, and of its own
  uLong checksum = crc32(0, nullptr, 0);
  z_stream stream = {};
  bool inflating = entry.method == deflated && inflateInit2(&stream, -MAX_WBITS) == Z_OK;

  State(const ZipArchive& archive, std::string member, const Entry& described)
      : file(archive.file_), name(std::move(member)), entry(described), input(file, operation) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (inflating) inflateEnd(&stream);
  }

  [[noreturn]] void fail(const std::string& fact) const { fail_file(operation, file, name + ": " + fact); }

  std::string next_compressed(std::size_t most) {
    std::string bytes = input.read(std::min(most, left));
    left -= bytes.size();
    return bytes;
  }

  std::string inflate_next(std::size_t count) {
    constexpr std::size_t together = 1 << 16;
    std::string bytes(count, '\0');
    stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
    stream.avail_out = static_cast<uInt>(count);  // a member has less than 4 GiB
    while (stream.avail_out > 0) {
      if (stream.avail_in == 0) {
        piece = next_compressed(together);
        stream.next_in = reinterpret_cast<Bytef*>(piece.data());
        stream.avail_in = static_cast<uInt>(piece.size());
      }
      const int status = inflate(&stream, Z_NO_FLUSH);
      if (stream.avail_out > 0 && (status != Z_OK || (stream.avail_in == 0 && left == 0)))
        fail("its compressed data are corrupt or end early; get the file again");
    }
    return bytes;
  }
};

std::size_t ZipArchive::Member::size() const { return state_->entry.size; }

std::string ZipArchive::Member::read(std::size_t count) {
  State& s = *state_;
  if (count > s.entry.size - s.taken) s.fail("it is shorter than its content announces; get the file again");
  std::string bytes = s.entry.method == stored ? s.next_compressed(count) : s.inflate_next(count);
  s.taken += count;
  for (std::size_t at = 0; at < bytes.size();) {  // zlib counts in 32 bits
    const std::size_t some = std::min(bytes.size() - at, std::size_t{1} << 30);
    s.checksum =
        crc32(s.checksum, reinterpret_cast<const Bytef*>(bytes.data() + at), static_cast<uInt>(some));
    at += some;
  }
  if (s.taken == s.entry.size && s.checksum != s.entry.checksum)
    s.fail("its checksum is another; the file is corrupt, get it again");
  return bytes;
}

ZipArchive::Member ZipArchive::open(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) fail_file(operation, file_, "has no member '" + name + "'; check its name");
  const Entry& entry = found->second;
  Member member(std::make_shared<Member::State>(*this, name, entry));
  auto& state = *member.state_;
  constexpr std::uint32_t in_zip64 = 0xffffffff;
  if (entry.size == in_zip64 || entry.compressed == in_zip64)
    state.fail("has 4 GiB or more, which is not read; save its arrays in smaller parts");
  if ((entry.flags & encrypted) != 0) state.fail("is encrypted; save it without a password");
  if (entry.method != stored && !state.inflating)
    state.fail("is compressed by method " + std::to_string(entry.method) + "; only deflate (8) is read");
  if (entry.method == stored ? entry.size != entry.compressed
                             : !plausible_content(entry.size, entry.compressed))
    state.fail("announces " + std::to_string(entry.size) + " bytes in " + std::to_string(entry.compressed) +
               ", which is not plausible; save it uncompressed if it is right");
  state.input.seek(entry.place);
  const std::string local = state.input.read(local_record);
  if (!local.starts_with("PK\3\4")) state.fail("does not begin where the list of members says");
  const std::size_t begin = entry.place + local_record + number(local, 26, 2) + number(local, 28, 2);
  if (begin > state.input.size() || entry.compressed > state.input.size() - begin)
    state.fail("lies outside the file, which is cut short; get it again");
  state.input.seek(begin);
  return member;
}

}  // namespace strata
