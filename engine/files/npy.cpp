#include "engine/files/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/error.h"
#include "engine/files/npy_header_internal.h"
#include "engine/half.h"

// Elements are read and written as they stand.
static_assert(std::endian::native == std::endian::little);

namespace ondes {
namespace {

constexpr std::array<char, 6> kMagic{'\x93', 'N', 'U', 'M', 'P', 'Y'};
constexpr std::size_t kPreludeBytes = kMagic.size() + 2;  // with the version
constexpr std::size_t kDataAlignmentBytes = 64;

[[noreturn]] void fail(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::bad_input, name + ": " + what);
}

std::size_t element_bytes(NpyType type) {
  switch (type) {
    case NpyType::float16:
      return 2;
    case NpyType::float32:
      return 4;
    case NpyType::float64:
      return 8;
  }
  return 0;
}

struct HeaderPlace {
  std::size_t begin_bytes = 0;
  std::size_t length_bytes = 0;
};

HeaderPlace find_header(std::span<const std::byte> file, const std::string& name) {
  if (file.size() < kPreludeBytes || std::memcmp(file.data(), kMagic.data(), kMagic.size()) != 0) {
    fail(name, "not a .npy file: expected it to begin with \\x93NUMPY and a version");
  }
  const int major = std::to_integer<int>(file[kMagic.size()]);
  const int minor = std::to_integer<int>(file[kMagic.size() + 1]);
  if (major < 1 || major > 3 || minor != 0) {
    fail(name, "npy version: expected 1.0, 2.0 or 3.0, found " + std::to_string(major) + "." +
                   std::to_string(minor));
  }
  const std::size_t length_size = major == 1 ? 2 : 4;
  HeaderPlace place{kPreludeBytes + length_size, 0};
  if (file.size() < place.begin_bytes) {
    fail(name, "npy header: expected its length, found the end of the file (file cut short?)");
  }
  std::memcpy(&place.length_bytes, file.data() + kPreludeBytes, length_size);
  if (place.length_bytes > kMaxNpyHeaderBytes) {
    fail(name, "npy header length: expected at most " + std::to_string(kMaxNpyHeaderBytes) +
                   " bytes, found " + std::to_string(place.length_bytes));
  }
  if (place.length_bytes > file.size() - place.begin_bytes) {
    fail(name, "npy header length: expected at most the " +
                   std::to_string(file.size() - place.begin_bytes) +
                   " bytes that follow it, found " + std::to_string(place.length_bytes) +
                   " (file cut short?)");
  }
  return place;
}

template <typename T>
T element(const NpyArray& array, std::size_t index) {
  const std::byte* place = array.bytes.data() + index * element_bytes(array.type);
  switch (array.type) {
    case NpyType::float16: {
      std::uint16_t half = 0;
      std::memcpy(&half, place, sizeof(half));
      return static_cast<T>(half_to_float(half));
    }
    case NpyType::float32: {
      float value = 0.0F;
      std::memcpy(&value, place, sizeof(value));
      return static_cast<T>(value);
    }
    case NpyType::float64: {
      double value = 0.0;
      std::memcpy(&value, place, sizeof(value));
      // Out of float's range: the conversion itself would be undefined.
      if (std::abs(value) > static_cast<double>(std::numeric_limits<T>::max())) {
        return value > 0 ? std::numeric_limits<T>::infinity() : -std::numeric_limits<T>::infinity();
      }
      return static_cast<T>(value);
    }
  }
  return T{};
}

template <typename T>
std::vector<T> in_c_order(const NpyArray& array) {
  const auto count = static_cast<std::size_t>(array.elements());
  std::vector<T> values(count);
  if (!array.fortran_order || array.shape.size() < 2) {
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = element<T>(array, i);
    }
    return values;
  }
  // An index that counts in C order (last axis fastest) and its place in Fortran order.
  std::vector<std::size_t> index(array.shape.size(), 0);
  std::vector<std::size_t> stride(array.shape.size(), 1);
  for (std::size_t axis = 1; axis < stride.size(); ++axis) {
    stride[axis] = stride[axis - 1] * static_cast<std::size_t>(array.shape[axis - 1]);
  }
  std::size_t place = 0;
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = element<T>(array, place);
    for (std::size_t axis = index.size(); axis-- > 0;) {
      place += stride[axis];
      if (++index[axis] < static_cast<std::size_t>(array.shape[axis])) {
        break;
      }
      place -= index[axis] * stride[axis];
      index[axis] = 0;
    }
  }
  return values;
}

template <typename T>
std::vector<std::byte> write(std::span<const T> values,
                             std::span<const std::int64_t> shape,
                             const char* descr) {
  std::uint64_t expected = 1;
  std::string tuple;
  for (const std::int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(expected, static_cast<std::uint64_t>(size), &expected)) {
      expected = std::numeric_limits<std::uint64_t>::max();
      break;
    }
    tuple += std::to_string(size) + ", ";
  }
  if (expected != values.size() || shape.size() > kMaxNpyDimensions) {
    fail("npy array", "expected as many values as the shape " + npy_shape_text(shape) +
                          " has, found " + std::to_string(values.size()));
  }
  if (shape.size() > 1) {
    tuple.resize(tuple.size() - 2);  // as NumPy writes them: (3,) but (3, 4)
  } else if (!tuple.empty()) {
    tuple.pop_back();
  }
  std::string header =
      std::string("{'descr': '") + descr + "', 'fortran_order': False, 'shape': (" + tuple + "), }";
  const std::size_t used = kPreludeBytes + 2 + header.size() + 1;
  header.append((kDataAlignmentBytes - used % kDataAlignmentBytes) % kDataAlignmentBytes, ' ');
  header += '\n';

  std::string prelude(kMagic.begin(), kMagic.end());
  prelude += '\x01';
  prelude += '\x00';
  const auto length = static_cast<std::uint16_t>(header.size());
  prelude += static_cast<char>(length & 0xFF);
  prelude += static_cast<char>(length >> 8);
  prelude += header;
  std::vector<std::byte> bytes(prelude.size() + values.size_bytes());
  std::memcpy(bytes.data(), prelude.data(), prelude.size());
  if (!values.empty()) {
    std::memcpy(bytes.data() + prelude.size(), values.data(), values.size_bytes());
  }
  return bytes;
}

}  // namespace

std::int64_t NpyArray::elements() const noexcept {
  return static_cast<std::int64_t>(bytes.size() / element_bytes(type));
}

NpyArray parse_npy(std::span<const std::byte> file, const std::string& name) {
  const HeaderPlace place = find_header(file, name);
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + place.begin_bytes,
                              place.length_bytes);
  const NpyHeader header = parse_npy_header(text, name);
  NpyArray array;
  array.type = header.type;
  array.fortran_order = header.fortran_order;
  array.shape = header.shape;
  array.bytes = file.subspan(place.begin_bytes + place.length_bytes);
  std::uint64_t expected = element_bytes(array.type);
  for (const std::int64_t size : array.shape) {
    if (__builtin_mul_overflow(expected, static_cast<std::uint64_t>(size), &expected)) {
      fail(name, "npy shape " + npy_shape_text(array.shape) +
                     ": expected a size below 2^64 bytes, found more");
    }
  }
  if (expected != array.bytes.size()) {
    fail(name, "npy data: expected " + std::to_string(expected) + " bytes for the shape " +
                   npy_shape_text(array.shape) + ", found " + std::to_string(array.bytes.size()) +
                   (array.bytes.size() < expected ? " (file cut short?)" : ""));
  }
  return array;
}

std::vector<float> npy_floats(const NpyArray& array) {
  return in_c_order<float>(array);
}

std::vector<double> npy_doubles(const NpyArray& array) {
  return in_c_order<double>(array);
}

std::string npy_shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

std::vector<std::byte> write_npy(std::span<const float> values,
                                 std::span<const std::int64_t> shape) {
  return write(values, shape, "<f4");
}

std::vector<std::byte> write_npy(std::span<const double> values,
                                 std::span<const std::int64_t> shape) {
  return write(values, shape, "<f8");
}

}  // namespace ondes
