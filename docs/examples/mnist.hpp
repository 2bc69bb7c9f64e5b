// MNIST from the folder that STRATA_MNIST_DIR names.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <strata/tensor/io/idx.hpp>
#include <strata/vae/batches.hpp>

/// "train" or "t10k": images and labels, each file plain or compressed. Ends the program, by the exit status
/// that tests take for skipped, where there is no such folder.
inline strata::Dataset read_mnist(const std::string& part) {
  const char* folder = std::getenv("STRATA_MNIST_DIR");
  if (folder == nullptr) std::puts("skipped: STRATA_MNIST_DIR names no folder"), std::exit(77);
  const auto read = [&](const std::string& rest) {
    const std::string file = std::string(folder) + "/" + part + rest;
    return strata::read_idx(std::filesystem::exists(file) ? file : file + ".gz");
  };
  return {read("-images-idx3-ubyte"), read("-labels-idx1-ubyte")};
}
