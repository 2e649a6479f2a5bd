#include <catch2/catch.hpp>
#include <cstdint>
#include <type_traits>

#include "engine/buffer.h"

using ondes::AlignedArray;
using ondes::Buffer;

TEST_CASE("memory begins on a cache line and is all zeros, whatever its size") {
  for (const std::size_t size : {1U, 15U, 16U, 17U, 1000U}) {
    AlignedArray<float> array(size);
    CHECK(array.size() == size);
    CHECK(reinterpret_cast<std::uintptr_t>(array.data()) % ondes::kBufferAlignmentBytes == 0);
    for (const float value : array.span()) {
      REQUIRE(value == 0.0F);
    }
  }
}

TEST_CASE("an empty array has no memory and can be zeroed") {
  AlignedArray<float> array;
  array.zero();
  CHECK(array.size() == 0);
  CHECK(array.span().empty());
  array.allocate(0);
  CHECK(array.data() == nullptr);
}

TEST_CASE("allocate replaces the contents by zeros") {
  AlignedArray<int> array(4);
  array[3] = 7;
  array.allocate(4);
  CHECK(array[3] == 0);
  array[3] = 7;
  array.zero();
  CHECK(array[3] == 0);
}

TEST_CASE("arrays move and do not copy") {
  STATIC_REQUIRE(!std::is_copy_constructible_v<AlignedArray<float>>);
  AlignedArray<float> first(3);
  first[1] = 2.0F;
  const float* memory = first.data();
  const AlignedArray<float> second = std::move(first);
  CHECK(second.data() == memory);
  CHECK(second[1] == 2.0F);
}

TEST_CASE("a buffer is its frames, time-major and packed") {
  Buffer buffer(3, 2);
  CHECK(buffer.frames() == 3);
  CHECK(buffer.channels() == 2);
  CHECK(buffer.view().stride() == 2);
  buffer.view()[2][1] = 5.0F;
  const Buffer& read_only = buffer;
  CHECK(read_only.view().data()[2 * 2 + 1] == 5.0F);
  buffer.zero();
  CHECK(read_only.view()[2][1] == 0.0F);
}
