#include <array>
#include <catch2/catch.hpp>
#include <type_traits>

#include "engine/views.h"

using ondes::ConstFrames;
using ondes::Frames;

TEST_CASE("channel c of frame t stands at data[t * stride + c]") {
  std::array<float, 12> data{};
  for (std::size_t i = 0; i < data.size(); ++i) {
    data[i] = static_cast<float>(i);
  }
  const Frames frames(data.data(), 3, 2, 4);
  for (int t = 0; t < 3; ++t) {
    REQUIRE(frames[t].size() == 2);
    for (int c = 0; c < 2; ++c) {
      CHECK(frames[t][static_cast<std::size_t>(c)] == static_cast<float>(t * 4 + c));
    }
  }
}

TEST_CASE("writing through a frame reaches the data") {
  std::array<float, 6> data{};
  const Frames frames(data.data(), 2, 3);
  frames[1][2] = 9.0F;
  CHECK(data[5] == 9.0F);
}

TEST_CASE("a subview keeps channels and stride and starts at its first frame") {
  std::array<float, 12> data{};
  data[8] = 3.0F;
  const Frames part = Frames(data.data(), 3, 2, 4).subview(2, 1);
  CHECK(part.frames() == 1);
  CHECK(part.channels() == 2);
  CHECK(part.stride() == 4);
  CHECK(part[0][0] == 3.0F);
  CHECK(Frames(data.data(), 3, 2, 4).subview(3, 0).empty());
}

TEST_CASE("a writable view becomes a readable one, and never the other way") {
  std::array<float, 12> data{};
  const Frames writable(data.data(), 3, 2, 4);
  const ConstFrames readable = writable;
  CHECK(readable.data() == writable.data());
  CHECK(readable.frames() == 3);
  CHECK(readable.channels() == 2);
  CHECK(readable.stride() == 4);
  STATIC_REQUIRE(std::is_convertible_v<Frames, ConstFrames>);
  STATIC_REQUIRE(!std::is_convertible_v<ConstFrames, Frames>);
  STATIC_REQUIRE(!std::is_constructible_v<Frames, ConstFrames>);
}

TEST_CASE("a default view is empty") {
  const Frames frames;
  CHECK(frames.empty());
  CHECK(frames.data() == nullptr);
}
