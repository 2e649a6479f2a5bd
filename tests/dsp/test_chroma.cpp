#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>
#include <vector>

#include "dsp/chroma.h"
#include "dsp/onset_strength.h"
#include "engine/error.h"

using namespace ondes;

namespace {

std::vector<float> tone(double hz, std::size_t samples) {
  std::vector<float> x(samples);
  for (std::size_t n = 0; n < samples; ++n) {
    x[n] = static_cast<float>(
        0.5 * std::sin(2.0 * std::numbers::pi * hz * static_cast<double>(n) / 22050.0));
  }
  return x;
}

}  // namespace

TEST_CASE("a tone's class is the loudest, in every octave") {
  Chroma chroma({});
  for (int midi = 48; midi < 84; ++midi) {
    const std::vector<float> x = tone(440.0 * std::exp2((midi - 69) / 12.0), 8192);
    const std::vector<float> values = chroma.analyze(x);
    const auto frame = values.begin() + 8 * 12;  // inside
    CHECK(std::max_element(frame, frame + 12) - frame == midi % 12);
    CHECK(*std::max_element(frame, frame + 12) == 1.0F);
  }
}

TEST_CASE("silence has no class, and one sample one frame") {
  Chroma chroma({});
  for (const float value : chroma.analyze(std::vector<float>(4000, 0.0F))) {
    CHECK(value == 0.0F);
  }
  CHECK(chroma.analyze(std::vector<float>(1, 0.5F)).size() == 12);
}

TEST_CASE("configurations of chroma that make no sense are refused") {
  CHECK_THROWS_AS(Chroma({.sample_rate_hz = 0}), Error);
  CHECK_THROWS_AS(Chroma({.fft_size = 1001}), Error);
  CHECK_THROWS_AS(Chroma({.classes = 0}), Error);
  CHECK_THROWS_AS(Chroma({.octave_width = -1.0}), Error);
}

TEST_CASE("onset strength rises where a tone begins, and nowhere in a steady one or in silence") {
  std::vector<float> x(22050, 0.0F);
  const std::vector<float> sound = tone(440.0, 11050);
  std::copy(sound.begin(), sound.end(), x.begin() + 11000);
  const std::vector<float> strength = onset_strength(x, 22050);
  REQUIRE(strength.size() == 44);
  const auto loudest = std::max_element(strength.begin(), strength.end()) - strength.begin();
  // Sample 11000 comes into a frame of 2048 with frame 20, which is put two frames later.
  CHECK(loudest >= 21);
  CHECK(loudest <= 24);
  for (std::size_t t = 0; t < 20; ++t) {
    CHECK(strength[t] == 0.0F);
  }
  for (std::size_t t = 28; t < 40; ++t) {
    CHECK(strength[t] < 0.1F * strength[static_cast<std::size_t>(loudest)]);
  }
  CHECK(onset_strength(std::vector<float>(1, 0.0F), 22050) == std::vector<float>{0.0F});
  CHECK_THROWS_AS(onset_strength(x, 0), Error);
}
