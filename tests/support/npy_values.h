// Arrays of numbers that another program wrote as .npy.
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

#include "engine/files/mapped_file.h"
#include "engine/files/npy.h"

namespace ondes {

template <typename T>
struct NpyValues {
  std::vector<std::int64_t> shape;
  std::vector<T> values;
};

// Throw Error{io} where there is no such file, Error{bad_input} where it is no array of numbers.
inline NpyValues<float> read_npy_floats(const std::filesystem::path& path) {
  const MappedFile file(path.string());
  const NpyArray array = parse_npy(file.bytes(), path.string());
  return {array.shape, npy_floats(array)};
}

inline NpyValues<double> read_npy_doubles(const std::filesystem::path& path) {
  const MappedFile file(path.string());
  const NpyArray array = parse_npy(file.bytes(), path.string());
  return {array.shape, npy_doubles(array)};
}

}  // namespace ondes
