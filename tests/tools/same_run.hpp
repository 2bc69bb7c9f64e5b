// Whether two runs left the same.
#pragma once

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>

#include "strata/tensor/io/safetensors.hpp"
#include "strata/tests/tools/program.hpp"

namespace strata::tools {

/// metrics.csv without its columns of time, `seconds` and `step_ms`.
inline std::string metrics_without_times(const std::filesystem::path& run) {
  std::string kept;
  for (const std::string& line : lines_of(content_of(run / "metrics.csv"))) {
    std::istringstream cells(line);
    std::size_t column = 0;
    for (std::string cell; std::getline(cells, cell, ','); ++column)
      if (column != 6 && column != 7) kept += cell + ",";
    kept += "\n";
  }
  return kept;
}

/// events.tfevents without what tells the time: of each record its event but for the first field, and of the
/// columns of time all but the tag.
inline std::string events_without_times(const std::filesystem::path& run) {
  const std::string bytes = content_of(run / "events.tfevents");
  std::string kept;
  for (std::size_t at = 0; at + 8 < bytes.size();) {
    const auto length = static_cast<unsigned char>(bytes[at]) +
                        256u * static_cast<unsigned char>(bytes[at + 1]) +
                        65536u * static_cast<unsigned char>(bytes[at + 2]);
    std::string event = bytes.substr(at + 12, length).substr(std::min<std::size_t>(length, 9));
    for (const char* tag : {"seconds", "step_ms"})
      if (const auto found = event.find(tag); found != std::string::npos) event.resize(found + 7);
    kept += event;
    at += 16 + length;
  }
  return kept;
}

/// A tensor of a checkpoint as its bytes.
inline std::string bytes_of(const Safetensors& file, const std::string& name) {
  const auto bytes = [](const auto& x) {
    return std::string(reinterpret_cast<const char*>(x.data()), x.size() * sizeof(*x.data()));
  };
  const std::string& dtype = file.dtype(name);
  if (dtype == "F32") return bytes(file.get<float>(name));
  if (dtype == "F64") return bytes(file.get<double>(name));
  if (dtype == "U64") return bytes(file.get<std::uint64_t>(name));
  return bytes(file.get<std::uint8_t>(name));
}

/// The first thing in which two finished runs differ, times aside: weights, best ones too, and pictures,
/// metrics, events, and all of the checkpoint; "" if there is none.
inline std::string difference(const std::filesystem::path& a, const std::filesystem::path& b) {
  for (const char* name :
       {"model.safetensors", "reconstructions.png", "samples.png", "latents.png", "curves.png"})
    if (content_of(a / name).empty() || content_of(a / name) != content_of(b / name)) return name;
  if (content_of(a / "best.safetensors") != content_of(b / "best.safetensors")) return "best.safetensors";
  if (metrics_without_times(a) != metrics_without_times(b)) return "metrics.csv";
  if (events_without_times(a).empty() || events_without_times(a) != events_without_times(b))
    return "events.tfevents";
  const auto x = Safetensors::read(a / "checkpoint.safetensors"),
             y = Safetensors::read(b / "checkpoint.safetensors");
  if (x.names() != y.names() || x.metadata != y.metadata) return "the checkpoint's names or metadata";
  for (const std::string& name : x.names())
    if (name != "metrics.text" && name != "seconds" &&
        (x.shape(name) != y.shape(name) || bytes_of(x, name) != bytes_of(y, name)))
      return name;
  return "";
}

}  // namespace strata::tools
