// NumPy's .npy files: a bounded reader and a writer.
//
// Format: "\x93NUMPY", version (1.0, 2.0 or 3.0), header length (2 or 4 bytes, little-endian), a
// Python dictionary literal with the keys descr, fortran_order and shape, the elements
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
//
// Read are little-endian floats of 16, 32 and 64 bits in C or Fortran order. Everything else is
// refused by its name, object arrays (which are pickles) too; so are headers longer than
// kMaxNpyHeaderBytes, products that overflow, and files that hold fewer or more bytes than they
// say. Nothing is executed, and memory never grows beyond what the file really holds.
//
// Set-up thread. Everything throws Error{bad_input} naming file, field, expected, found.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ondes {

inline constexpr std::size_t kMaxNpyHeaderBytes = 64 * 1024;
inline constexpr std::size_t kMaxNpyDimensions = 32;  // NumPy's own limit

enum class NpyType { float16, float32, float64 };

struct NpyArray {
  NpyType type = NpyType::float32;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;  // empty: one number
  std::span<const std::byte> bytes;
  std::int64_t elements() const noexcept;
};

// The bytes point into the file's. `name` is what messages start with.
NpyArray parse_npy(std::span<const std::byte> file, const std::string& name);

// The elements in C order (last index fastest), whatever order the file has. A float64 beyond float
// becomes an infinity.
std::vector<float> npy_floats(const NpyArray& array);
std::vector<double> npy_doubles(const NpyArray& array);

// "[80, 862]"
std::string npy_shape_text(std::span<const std::int64_t> shape);

// A version 1.0 file in C order, its data 64-byte aligned. Throws if the values do not fit the
// shape.
std::vector<std::byte> write_npy(std::span<const float> values,
                                 std::span<const std::int64_t> shape);
std::vector<std::byte> write_npy(std::span<const double> values,
                                 std::span<const std::int64_t> shape);

}  // namespace ondes
