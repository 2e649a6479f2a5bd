#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "engine/files/npy.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

// A file of the given header text, as NumPy would have put it.
std::vector<std::byte> file_of(const std::string& header,
                               const std::vector<std::byte>& data = {},
                               char major = 1) {
  std::string text("\x93NUMPY");
  text += major;
  text += '\0';
  const std::size_t length = header.size() + 1;
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i) {
    text += static_cast<char>(length >> (8 * i) & 0xFF);
  }
  text += header + "\n";
  std::vector<std::byte> bytes(text.size() + data.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  std::copy(data.begin(), data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(text.size()));
  return bytes;
}

std::string described(const std::string& shape,
                      const std::string& descr = "<f4",
                      const std::string& fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
}

template <typename T>
std::vector<std::byte> bytes_of(const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

std::string refusal(const std::vector<std::byte>& file) {
  return message_of(ErrorCode::bad_input, [&file] { parse_npy(file, "a.npy"); });
}

}  // namespace

TEST_CASE("an array that is written reads back with its shape, type and bits") {
  const std::vector<float> floats{1.5F, -0.0F, 3e-42F, std::numeric_limits<float>::infinity(),
                                  5.0F, 6.0F};
  const std::vector<std::int64_t> shape{2, 3};
  const std::vector<std::byte> file = write_npy(std::span<const float>(floats), shape);
  const NpyArray array = parse_npy(file, "a.npy");
  CHECK(array.type == NpyType::float32);
  CHECK(array.shape == shape);
  CHECK(bytes_of(npy_floats(array)) == bytes_of(floats));
  CHECK((array.bytes.data() - file.data()) % 64 == 0);  // as NumPy aligns it

  const std::vector<double> doubles{0.1, -1e300};
  const std::vector<std::byte> wide =
      write_npy(std::span<const double>(doubles), std::vector<std::int64_t>{2});
  CHECK(npy_doubles(parse_npy(wide, "b.npy")) == doubles);
}

TEST_CASE("a shape of one number, of one axis and of none is written as Python writes tuples") {
  const std::vector<float> one{2.0F};
  for (const auto& [shape, text] : {std::pair<std::vector<std::int64_t>, std::string>{{}, "()"},
                                    {{1}, "(1,)"},
                                    {{1, 1}, "(1, 1)"}}) {
    const std::vector<std::byte> file = write_npy(std::span<const float>(one), shape);
    const std::string head(reinterpret_cast<const char*>(file.data()), 128);
    check_contains(head, {"'shape': " + text + ", }"});
    CHECK(parse_npy(file, "a.npy").shape == shape);
  }
  CHECK_THROWS_AS(write_npy(std::span<const float>(one), std::vector<std::int64_t>{2}), Error);
  CHECK_THROWS_AS(write_npy(std::span<const float>(one), std::vector<std::int64_t>{-1, -1}), Error);
}

TEST_CASE("Fortran order is turned into C order, for any number of axes") {
  // Element (i, j, k) of shape (2, 3, 4) is 100 i + 10 j + k; Fortran stores i fastest.
  std::vector<float> stored;
  std::vector<float> expected;
  for (int k = 0; k < 4; ++k) {
    for (int j = 0; j < 3; ++j) {
      for (int i = 0; i < 2; ++i) {
        stored.push_back(static_cast<float>(100 * i + 10 * j + k));
      }
    }
  }
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 3; ++j) {
      for (int k = 0; k < 4; ++k) {
        expected.push_back(static_cast<float>(100 * i + 10 * j + k));
      }
    }
  }
  const auto file = file_of(described("(2, 3, 4)", "<f4", "True"), bytes_of(stored));
  CHECK(npy_floats(parse_npy(file, "a.npy")) == expected);
}

TEST_CASE("half precision is read exactly, subnormals, infinities and NaN too") {
  const std::vector<std::uint16_t> halves{0x3C00, 0xC000, 0x0001, 0x8000, 0x03FF,
                                          0x7BFF, 0x7C00, 0xFC00, 0x7E00};
  const auto file = file_of(described("(9,)", "<f2"), bytes_of(halves));
  const std::vector<float> values = npy_floats(parse_npy(file, "a.npy"));
  CHECK(values[0] == 1.0F);
  CHECK(values[1] == -2.0F);
  CHECK(values[2] == 0x1p-24F);
  CHECK(values[3] == 0.0F);
  CHECK(std::signbit(values[3]));
  CHECK(values[4] == 1023 * 0x1p-24F);
  CHECK(values[5] == 65504.0F);
  CHECK(values[6] == std::numeric_limits<float>::infinity());
  CHECK(values[7] == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(values[8]));
}

TEST_CASE("doubles beyond float become infinities, and stay what they are as doubles") {
  const std::vector<double> doubles{1e39, -1e39, 0.1};
  const auto file = file_of(described("(3,)", "<f8"), bytes_of(doubles));
  const NpyArray array = parse_npy(file, "a.npy");
  const std::vector<float> values = npy_floats(array);
  CHECK(values[0] == std::numeric_limits<float>::infinity());
  CHECK(values[1] == -std::numeric_limits<float>::infinity());
  CHECK(values[2] == 0.1F);
  CHECK(npy_doubles(array) == doubles);
}

TEST_CASE("versions 1 to 3, keys in any order and either quote are understood") {
  const auto data = bytes_of(std::vector<float>{7.0F});
  for (const char major : {'\1', '\2', '\3'}) {
    const auto file = file_of(described("(1,)"), data, major);
    CHECK(npy_floats(parse_npy(file, "a.npy")) == std::vector<float>{7.0F});
  }
  const auto other = file_of(R"({"shape":(1,),"fortran_order":False,"descr":"<f4"})", data);
  CHECK(npy_floats(parse_npy(other, "a.npy")) == std::vector<float>{7.0F});
}

TEST_CASE("a header that is not NumPy's float array is refused by name") {
  const auto data = bytes_of(std::vector<float>{7.0F});
  const auto check = [&data](const std::string& header, std::initializer_list<std::string> parts) {
    const std::string message = refusal(file_of(header, data));
    check_contains(message, {"a.npy"});
    check_contains(message, parts);
  };
  check(described("(1,)", ">f4"), {"descr", "<f4", ">f4"});
  check(described("(1,)", "<i4"), {"descr", "<i4"});
  check(described("(1,)", "|O"), {"descr", "|O", "pickle"});
  check("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", {"structured"});
  check(described("(-1,)"), {"shape", "-1"});
  check(described("(1)"), {"shape", "tuple"});
  check(described("(99999999999999999999,)"), {"shape"});
  check(described("(1+0,)"), {"')'", "+0"});
  check(described("(4611686018427387904, 4)"), {"shape", "2^64"});
  check(described("(1,)", "<f4", "1"), {"fortran_order", "True or False"});
  check("{'descr': '<f4', 'shape': (1,), }", {"fortran_order", "none"});
  check("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", {"twice"});
  check("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", {"'x'"});
  check(described("(1,)") + "import os", {"nothing after"});
  check("", {"'{'"});
  std::string deep;
  for (int i = 0; i < 40; ++i) {
    deep += "1, ";
  }
  check(described("(" + deep + ")"), {"32 dimensions"});
}

TEST_CASE("lengths that do not agree with the file are refused with both numbers") {
  const auto data = bytes_of(std::vector<float>{1.0F, 2.0F});
  check_contains(refusal(file_of(described("(3,)"), data)), {"12 bytes", "found 8", "cut short"});
  check_contains(refusal(file_of(described("(1,)"), data)), {"4 bytes", "found 8"});
  std::vector<std::byte> cut = file_of(described("(2,)"), data);
  cut.resize(20);
  check_contains(refusal(cut), {"header length", "cut short"});
  std::vector<std::byte> long_header = file_of(described("(2,)"), data, 2);
  long_header[10] = std::byte{1};  // 65536 more than there are
  check_contains(refusal(long_header), {"header length", "65536"});
  std::vector<std::byte> other = file_of(described("(2,)"), data);
  other[6] = std::byte{4};
  check_contains(refusal(other), {"version", "4.0"});
  check_contains(refusal({}), {"not a .npy"});
}
