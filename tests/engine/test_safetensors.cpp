#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>

#include "engine/files/atomic_file.h"
#include "engine/weights/safetensors.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

namespace {

using namespace ondes;
using Bytes = std::vector<std::byte>;

// A file of this header and `data_bytes` zeros.
Bytes file_of(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  Bytes bytes(8 + header.size() + data_bytes);
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

std::string refusal_of(const Bytes& bytes) {
  return message_of(ErrorCode::bad_input, [&] { parse_safetensors(bytes, "a.safetensors"); });
}

std::string refusal_of(const std::string& header, std::size_t data_bytes) {
  return refusal_of(file_of(header, data_bytes));
}

std::string tensor(const std::string& name, const std::string& shape, const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"F32\",\"shape\":" + shape + ",\"data_offsets\":" + offsets +
         "}";
}

const std::array<float, 6> kValues{1.0F, -2.5F, 0.0F, 3e-39F, 1e38F, -0.0F};

Bytes small_file() {
  TensorData odd;
  odd.type = TensorType::i8;
  odd.shape = {3};
  odd.bytes = {std::byte{1}, std::byte{2}, std::byte{255}};
  return write_safetensors({{"key", "va\"lue\n\xC3\xA9"}, {"second", ""}},
                           {{"a.odd", odd},
                            {"b.matrix", tensor_from_floats(kValues, {2, 3})},
                            {"c.scalar", tensor_from_floats({kValues.data(), 1}, {})},
                            {"d.empty", tensor_from_floats({}, {0, 4})}});
}

}  // namespace

TEST_CASE("what is written is read back, metadata and tensors, bit for bit") {
  const Bytes bytes = small_file();
  const SafetensorsFile file = parse_safetensors(bytes, "small");
  CHECK(file.metadata.size() == 2);
  CHECK(file.metadata.at("key") == "va\"lue\n\xC3\xA9");
  REQUIRE(file.tensors.size() == 4);
  CHECK(file.tensors.at("a.odd").type == TensorType::i8);
  CHECK(file.tensors.at("a.odd").bytes[2] == std::byte{255});
  const auto matrix = require_f32(file, "b.matrix", {2, 3});
  REQUIRE(matrix.size() == kValues.size());
  CHECK(std::memcmp(matrix.data(), kValues.data(), sizeof kValues) == 0);
  CHECK(require_f32(file, "c.scalar", {})[0] == 1.0F);
  CHECK(require_f32(file, "d.empty", {0, 4}).empty());
}

TEST_CASE("the data begin at a multiple of 64 bytes and every tensor is aligned to its elements") {
  for (std::size_t padding = 0; padding < 70; ++padding) {
    TensorData odd;
    odd.type = TensorType::u8;
    odd.shape = {1};
    odd.bytes = {std::byte{0}};
    const Bytes bytes = write_safetensors({{"padding", std::string(padding, 'x')}},
                                          {{"a", odd}, {"b", tensor_from_floats(kValues, {6})}});
    std::uint64_t header_bytes = 0;
    std::memcpy(&header_bytes, bytes.data(), 8);
    REQUIRE((8 + header_bytes) % 64 == 0);
    const SafetensorsFile file = parse_safetensors(bytes, "padded");
    const auto offset = file.tensors.at("b").bytes.data() - bytes.data();
    REQUIRE(offset % 4 == 0);
  }
}

TEST_CASE("a file without tensors is legal") {
  CHECK(parse_safetensors(write_safetensors({}, {}), "empty").tensors.empty());
  CHECK(parse_safetensors(file_of("{}   ", 0), "empty").tensors.empty());
}

TEST_CASE("a file cut at any byte is refused and so is one byte too many") {
  Bytes bytes = small_file();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Bytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    INFO("cut at " << size);
    REQUIRE_FALSE(refusal_of(cut).empty());
  }
  bytes.push_back(std::byte{0});
  check_contains(refusal_of(bytes), {"a.safetensors", "data bytes"});
}

TEST_CASE("any single byte of the header may be wrong: an Error or a file, nothing else") {
  const Bytes good = small_file();
  for (std::size_t i = 0; i < good.size() - 4; ++i) {
    for (const unsigned flip : {0x01U, 0x20U, 0x80U, 0xFFU}) {
      Bytes bytes = good;
      bytes[i] ^= static_cast<std::byte>(flip);
      static_cast<void>(thrown_error([&] { parse_safetensors(bytes, "flipped"); }));
    }
  }
}

TEST_CASE("a header length beyond the file or beyond 100 MB is refused before anything is read") {
  Bytes bytes = file_of("{}", 0);
  for (const std::uint64_t length :
       {std::uint64_t{3}, std::uint64_t{100'000'001}, std::uint64_t{1} << 32U,
        std::numeric_limits<std::uint64_t>::max()}) {
    std::memcpy(bytes.data(), &length, 8);
    check_contains(refusal_of(bytes), {"header length", std::to_string(length)});
  }
}

TEST_CASE("tensors that overlap, leave a hole or do not reach the end are refused by name") {
  const std::string first = tensor("first", "[2]", "[0,8]");
  check_contains(refusal_of("{" + first + "," + tensor("second", "[2]", "[4,12]") + "}", 12),
                 {"'second'", "overlap", "data byte 8", "found 4"});
  check_contains(refusal_of("{" + first + "," + tensor("second", "[2]", "[0,8]") + "}", 8),
                 {"overlap"});
  check_contains(refusal_of("{" + first + "," + tensor("second", "[2]", "[12,20]") + "}", 20),
                 {"'second'", "hole", "data byte 8", "found 12"});
  check_contains(refusal_of("{" + tensor("first", "[2]", "[4,12]") + "}", 12), {"'first'", "hole"});
  check_contains(refusal_of("{" + first + "}", 9), {"expected 8 data bytes", "found 9"});
}

TEST_CASE("offsets outside the data, reversed, negative, fractional or too many are refused") {
  for (const char* offsets :
       {"[0,12]", "[8,0]", "[-8,0]", "[0,8.0]", "[0,8,8]", "[8]", "[]", "\"0,8\"", "[0,1e1]",
        "[0,[8]]", "null", "[0,18446744073709551616]", "[18446744073709551615,8]"}) {
    INFO(offsets);
    check_contains(refusal_of("{" + tensor("t", "[2]", offsets) + "}", 8), {"'t'", "data_offsets"});
  }
}

TEST_CASE("a shape that lies about its bytes is refused with both sizes") {
  check_contains(refusal_of("{" + tensor("t", "[3]", "[0,8]") + "}", 8),
                 {"'t'", "expected 12 bytes", "F32 [3]", "found 8"});
  check_contains(refusal_of("{" + tensor("t", "[2,0]", "[0,8]") + "}", 8), {"expected 0 bytes"});
}

TEST_CASE("a shape whose product overflows is refused, even where it wraps to the right size") {
  // 4 bytes * 2^31 * 2^31 = 2^64, which wraps to 0.
  check_contains(refusal_of("{" + tensor("t", "[2147483648,2147483648]", "[0,0]") + "}", 0),
                 {"'t'", "2^64"});
  // 4 * 4611686018427387905 = 2^64 + 4, which wraps to 4.
  check_contains(refusal_of("{" + tensor("t", "[4611686018427387905]", "[0,4]") + "}", 4),
                 {"'t'", "2^64"});
  for (const char* shape : {"[9223372036854775808]", "[-1]", "[1.5]", "[\"2\"]", "[[2]]", "2"}) {
    INFO(shape);
    check_contains(refusal_of("{" + tensor("t", shape, "[0,8]") + "}", 8), {"'t'", "shape"});
  }
}

TEST_CASE("a key that comes twice is refused at every level") {
  const std::string t = tensor("t", "[2]", "[0,8]");
  check_contains(refusal_of("{" + t + "," + t + "}", 8), {"'t'", "twice"});
  check_contains(refusal_of("{\"__metadata__\":{},\"__metadata__\":{}}", 0),
                 {"'__metadata__'", "twice"});
  check_contains(refusal_of("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0), {"'k'", "twice"});
  check_contains(
      refusal_of(
          "{\"t\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8),
      {"'dtype'", "twice"});
  // An escape is the same key.
  check_contains(refusal_of("{" + t + "," + tensor("\\u0074", "[0]", "[8,8]") + "}", 8),
                 {"'t'", "twice"});
}

TEST_CASE("missing and unknown fields and types are refused by name") {
  check_contains(refusal_of(R"({"t":{"dtype":"F32","shape":[2]}})", 8), {"'t'", "'data_offsets'"});
  check_contains(refusal_of(R"({"t":{}})", 0), {"'t'", "'dtype'"});
  check_contains(refusal_of(R"({"t":{"dtype":"F32","shape":[],"colour":1}})", 0), {"'colour'"});
  check_contains(refusal_of(R"({"t":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", 8),
                 {"'t'", "F32 F64", "'F31'"});
  check_contains(refusal_of(R"({"t":[]})", 0), {"'t'", "expected an object"});
  check_contains(refusal_of(R"({"t":{"dtype":"F32","shape":{}}})", 0), {"'t'", "shape"});
  check_contains(refusal_of(R"({"__metadata__":{"k":1}})", 0), {"'k'", "expected a text"});
  check_contains(refusal_of(R"({"__metadata__":"k"})", 0), {"__metadata__"});
}

TEST_CASE("a header that is not exactly one JSON object in UTF-8 is refused") {
  for (const std::string& header :
       {std::string(), std::string("{"), std::string("[]"), std::string(" {}"), std::string("{}}"),
        std::string("{} x"), std::string("null"), std::string("\xEF\xBB\xBF{}"),
        std::string("{\"__metadata__\":{\"\xFF\":\"\"}}"), std::string("{\"a\":nan}"),
        std::string("{}\0garbage", 10), std::string("{/**/}"),
        std::string("{\"t\":{\"shape\":[1e999]}}")}) {
    INFO(header);
    check_contains(refusal_of(header, 0), {"a.safetensors", "header"});
  }
}

TEST_CASE("nesting as deep as the header is long ends in an Error and not in the stack") {
  std::string header = "{\"t\":";
  header.append(200'000, '[');
  CHECK_FALSE(refusal_of(header, 0).empty());
}

TEST_CASE("control characters in names do not reach the message") {
  const std::string message =
      refusal_of("{" + tensor("\\u001b[31m" + std::string(500, 'n'), "[3]", "[0,8]") + "}", 8);
  CHECK(message.find('\x1b') == std::string::npos);
  CHECK(message.size() < 300);
}

TEST_CASE("require_f32 names file, tensor, expected and found") {
  Bytes bytes = small_file();
  const SafetensorsFile file = parse_safetensors(bytes, "v.safetensors");
  const auto message = [&](const char* name, const std::vector<std::int64_t>& shape) {
    return message_of(ErrorCode::bad_input, [&] { require_f32(file, name, shape); });
  };
  check_contains(message("none", {2}), {"v.safetensors", "'none'", "F32 [2]", "no such tensor"});
  check_contains(message("b.matrix", {3, 2}), {"'b.matrix'", "F32 [3, 2]", "found F32 [2, 3]"});
  check_contains(message("b.matrix", {6}), {"found F32 [2, 3]"});
  check_contains(message("a.odd", {3}), {"F32 [3]", "found I8 [3]"});
}

TEST_CASE("NaN and infinity are refused with the tensor and the index") {
  std::array<float, 6> values = kValues;
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    values[4] = bad;
    const Bytes bytes = write_safetensors({}, {{"w", tensor_from_floats(values, {6})}});
    const SafetensorsFile file = parse_safetensors(bytes, "nan");
    check_contains(message_of(ErrorCode::bad_input, [&] { require_f32(file, "w", {6}); }),
                   {"nan", "'w'", "index 4", std::isnan(bad) ? "NaN" : "infinity"});
  }
}

TEST_CASE("a header of any length and floats at any address are legal and come out aligned") {
  std::array<float, 3> values{1.5F, -2.0F, 3.25F};
  bool copied = false;
  for (std::size_t padding = 0; padding < 16; ++padding) {
    // One odd byte before the floats too, as writers that do not sort by size leave it.
    std::string header = R"({"odd":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)" +
                         tensor("t", "[3]", "[1,13]") + "}";
    header.append(padding, ' ');
    Bytes bytes = file_of(header, 13);
    bytes[bytes.size() - 13] = std::byte{7};
    std::memcpy(bytes.data() + bytes.size() - 12, values.data(), 12);
    const SafetensorsFile file = parse_safetensors(bytes, "odd");
    const auto read = require_f32(file, "t", {3});
    REQUIRE(reinterpret_cast<std::uintptr_t>(read.data()) % alignof(float) == 0);
    REQUIRE(std::equal(read.begin(), read.end(), values.begin(), values.end()));
    REQUIRE(file.tensors.at("odd").bytes[0] == std::byte{7});
    copied = copied || file.storage != nullptr;
  }
  CHECK(copied);
}

TEST_CASE("an opened file whose floats are misaligned keeps its copy alive") {
  const TemporaryFolder folder;
  const std::string path = folder.file("odd.safetensors");
  const Bytes bytes = file_of("{" + tensor("t", "[1]", "[0,4]") + "} ", 4);  // a mapping is aligned
  REQUIRE((bytes.size() - 4) % 4 != 0);
  write_file_atomically(path, bytes);
  const SafetensorsFile file = open_safetensors(path);
  CHECK(require_f32(file, "t", {1})[0] == 0.0F);
  REQUIRE(file.storage != nullptr);
}

TEST_CASE("the writer refuses tensors that contradict themselves and reserved names") {
  TensorData wrong = tensor_from_floats(kValues, {6});
  wrong.shape = {5};
  const auto refusal = [](const std::string& name, const TensorData& data) {
    return message_of(ErrorCode::bad_input, [&] { write_safetensors({}, {{name, data}}); });
  };
  check_contains(refusal("w", wrong), {"'w'", "[5]", "24"});
  wrong.shape = {-6};
  check_contains(refusal("w", wrong), {"'w'"});
  check_contains(refusal("__metadata__", tensor_from_floats(kValues, {6})), {"reserved"});
  check_contains(refusal("\xFF", tensor_from_floats(kValues, {6})), {"UTF-8"});
}

TEST_CASE("an opened file keeps its mapping alive, and a missing one is an io error") {
  const TemporaryFolder folder;
  const std::string path = folder.file("w.safetensors");
  write_file_atomically(path, small_file());
  std::span<const float> matrix;
  std::shared_ptr<const void> storage;
  {
    const SafetensorsFile file = open_safetensors(path);
    matrix = require_f32(file, "b.matrix", {2, 3});
    storage = file.storage;
  }
  CHECK(matrix[1] == -2.5F);
  check_contains(message_of(ErrorCode::io, [&] { open_safetensors(folder.file("none")); }),
                 {"none", "No such file"});
  check_contains(message_of(ErrorCode::io, [&] { open_safetensors(folder.path().string()); }),
                 {"folder"});
  write_file_atomically(path, {});
  check_contains(message_of(ErrorCode::bad_input, [&] { open_safetensors(path); }),
                 {"w.safetensors", "at least 8 bytes", "found 0"});
}

TEST_CASE("a file written by the Python library safetensors reads as it was meant") {
  const std::string path =
      std::string(ONDES_SOURCE_DIR) + "/tests/golden/safetensors/from_python.safetensors";
  const SafetensorsFile file = open_safetensors(path);
  CHECK(file.metadata.at("made_by") == "make_golden.py");
  const auto matrix = require_f32(file, "matrix", {2, 3});
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(matrix[i] == static_cast<float>(i) / 4.0F);
  }
  CHECK(require_f32(file, "scalar", {})[0] == -1.5F);
  CHECK(require_f32(file, "nothing", {0, 3}).empty());
  CHECK(file.tensors.at("flags").type == TensorType::boolean);
  CHECK(file.tensors.at("flags").shape == std::vector<std::int64_t>{3});
  CHECK(file.tensors.at("half").type == TensorType::f16);
  CHECK(file.tensors.at("wide").type == TensorType::f64);
  CHECK(file.tensors.at("counts").type == TensorType::i64);
  std::array<std::int64_t, 2> counts{};
  std::memcpy(counts.data(), file.tensors.at("counts").bytes.data(), sizeof counts);
  CHECK(counts[0] == -1);
  CHECK(counts[1] == std::int64_t{1} << 40U);
}
