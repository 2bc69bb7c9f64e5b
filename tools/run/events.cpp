#include "strata/tools/run/events.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <numeric>

#include "strata/tensor/io/file.hpp"
#include "strata/tensor/io/png.hpp"

namespace strata::tools {
namespace {

template <std::unsigned_integral N> std::string little_endian(N value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof value; ++i) bytes += static_cast<char>(value >> 8 * i & 0xff);
  return bytes;
}
std::string little_endian(double value) { return little_endian(std::bit_cast<std::uint64_t>(value)); }
std::string little_endian(float value) { return little_endian(std::bit_cast<std::uint32_t>(value)); }

// CRC-32C: of the polynomial 1EDC6F41, bits reversed.
std::uint32_t crc32c(const std::string& bytes) {
  static constexpr auto table = [] {
    std::array<std::uint32_t, 256> remainders{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      std::uint32_t r = byte;
      for (int bit = 0; bit < 8; ++bit) r = r >> 1 ^ (r & 1 ? 0x82f63b78u : 0);
      remainders[byte] = r;
    }
    return remainders;
  }();
  std::uint32_t crc = ~0u;
  for (const char byte : bytes) crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  return ~crc;
}

// Rotated and shifted, so that a record can hold records.
std::string masked_crc(const std::string& bytes) {
  return little_endian(std::rotr(crc32c(bytes), 15) + 0xa282ead8u);
}

// A message of protocol buffers: fields one after another, each a key (8 · number + kind) and a value.
class Message {
 public:
  Message& whole(unsigned field, std::uint64_t value) { return key(field, 0).base_128(value); }
  Message& real(unsigned field, double value) { return key(field, 1).raw(little_endian(value)); }
  Message& single(unsigned field, float value) { return key(field, 5).raw(little_endian(value)); }
  Message& text(unsigned field, const std::string& value) {  // or bytes, or a message
    return key(field, 2).base_128(value.size()).raw(value);
  }
  Message& reals(unsigned field, const std::vector<double>& values) {
    std::string packed;
    for (const double value : values) packed += little_endian(value);
    return text(field, packed);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Message& key(unsigned field, unsigned kind) { return base_128(8 * field + kind); }
  // Seven bits a byte, the lowest first; the eighth bit says that more follow.
  Message& base_128(std::uint64_t value) {
    for (; value > 127; value >>= 7) bytes_ += static_cast<char>(value | 128);
    bytes_ += static_cast<char>(value);
    return *this;
  }
  Message& raw(const std::string& bytes) {
    bytes_ += bytes;
    return *this;
  }

  std::string bytes_;
};

Message event() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return Message().real(1, std::chrono::duration<double>(now).count());
}

}  // namespace

Events::Events() { begin(); }

void Events::begin() {
  recorded_.clear();
  end_ = 0;
  append(event().text(3, "brain.Event:2").bytes());
}

void Events::append(const std::string& event) {
  const std::string length = little_endian(std::uint64_t{event.size()});
  const std::string record = length + masked_crc(length) + event + masked_crc(event);
  recorded_ += record;
  end_ += record.size();
}

void Events::record(std::size_t step, const std::string& value) {
  append(event().whole(2, step).text(5, Message().text(1, value).bytes()).bytes());
}

void Events::scalar(std::size_t step, const std::string& tag, double value) {
  record(step, Message().text(1, tag).single(2, static_cast<float>(value)).bytes());
}

void Events::scalars(std::size_t step, const MetricsTable& table) {
  for (std::size_t i = 1; i < table.names.size(); ++i) scalar(step, table.names[i], table.columns[i].back());
}

void Events::image(std::size_t step, const std::string& tag, const Tensor<std::uint8_t>& picture) {
  const Message image = Message()
                            .whole(1, picture.shape(0))
                            .whole(2, picture.shape(1))
                            .whole(3, picture.dimension() == 3 ? 3 : 1)
                            .text(4, encode_png(picture));
  record(step, Message().text(1, tag).text(4, image.bytes()).bytes());
}

void Events::histogram(std::size_t step, const std::string& tag, const Tensor<float>& values) {
  if (values.size() == 0) return;
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double low = *least, high = *most, width = (high - low) / 30;
  std::vector<double> limits, counts(width > 0 ? 30 : 1);
  for (std::size_t i = 1; i < counts.size(); ++i) limits.push_back(low + static_cast<double>(i) * width);
  limits.push_back(high);
  double sum = 0, squares = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
    const auto bucket = width > 0 ? static_cast<std::size_t>((value - low) / width) : 0;
    ++counts[std::min(bucket, counts.size() - 1)];
  }
  const Message histogram = Message()
                                .real(1, low)
                                .real(2, high)
                                .real(3, static_cast<double>(values.size()))
                                .real(4, sum)
                                .real(5, squares)
                                .reals(6, limits)
                                .reals(7, counts);
  record(step, Message().text(1, tag).text(5, histogram.bytes()).bytes());
}

void Events::write(const std::filesystem::path& file) {
  replace_tail(file, end_ - recorded_.size(), recorded_, "run");
  recorded_.clear();
}

void Events::go_on(const std::filesystem::path& file) {
  std::error_code absent;
  recorded_.clear();
  if (const auto size = std::filesystem::file_size(file, absent); absent || size < end_) begin();
}

bool is_round(std::size_t number, int digits) {
  const auto most = static_cast<std::size_t>(std::pow(10, digits));
  while (number >= most && number % 10 == 0) number /= 10;
  return number < most;
}

}  // namespace strata::tools
