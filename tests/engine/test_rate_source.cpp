#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <memory>
#include <numbers>
#include <vector>

#include "engine/stream/rate_source.h"
#include "tests/support/stream_rig.h"

using namespace ondes;

namespace {

struct Rates {
  int in_hz;
  int out_hz;
};

// Voices' rates to devices' rates; the last one has no small common measure.
constexpr Rates kRates[] = {{48000, 44100}, {24000, 48000},  {44100, 48000},
                            {96000, 16000}, {16000, 192000}, {44100, 47999}};

// A sine that begins with a phase of its own at its first frame; both channels are the same.
class SineSource : public StreamSource {
 public:
  SineSource(int rate_hz, double hz, std::int64_t frames)
      : rate_hz_(rate_hz), hz_(hz), frames_(frames) {}
  static double at(double hz, double time_s) {
    return 0.9 * std::sin(2.0 * std::numbers::pi * hz * time_s + 0.3);
  }
  int sample_rate_hz() const noexcept override { return rate_hz_; }
  int channels() const noexcept override { return 2; }
  int render(Frames out, std::int64_t) noexcept override {
    most_asked = std::max(most_asked, out.frames());
    const auto count = static_cast<int>(std::min<std::int64_t>(out.frames(), frames_ - done_));
    for (int t = 0; t < count; ++t, ++done_) {
      out[t][0] = out[t][1] = static_cast<float>(at(hz_, static_cast<double>(done_) / rate_hz_));
    }
    return count;
  }
  void retire() noexcept override { frames_ = done_; }
  void limit_lanes(int) noexcept override {}
  SourceState state() const noexcept override { return {}; }

  static inline int most_asked = 0;

 private:
  int rate_hz_;
  double hz_;
  std::int64_t frames_;
  std::int64_t done_ = 0;
};

// The left channel, to the end.
std::vector<float> rendered(StreamSource& source, int block) {
  std::vector<float> all;
  std::vector<float> out(2 * static_cast<std::size_t>(block));
  int made = block;
  while (made == block) {
    made = source.render({out.data(), block, 2}, static_cast<std::int64_t>(all.size()));
    for (int t = 0; t < made; ++t) {
      all.push_back(out[2 * static_cast<std::size_t>(t)]);
    }
  }
  CHECK(source.render({out.data(), block, 2}, 0) == 0);  // once over, over
  return all;
}

std::vector<float> converted(const Rates& rates, double hz, std::int64_t frames, int block) {
  RateSource source(std::make_unique<SineSource>(rates.in_hz, hz, frames), rates.out_hz);
  return rendered(source, block);
}

}  // namespace

TEST_CASE("a change of rate keeps the length, to the frame, of any number of frames") {
  for (const Rates& rates : kRates) {
    for (const std::int64_t frames : {0, 1, 2, 39, 160, 161, 1000, 20'011}) {
      CAPTURE(rates.in_hz, rates.out_hz, frames);
      const std::int64_t expected = (frames * rates.out_hz + rates.in_hz - 1) / rates.in_hz;
      CHECK(static_cast<std::int64_t>(converted(rates, 300.0, frames, 256).size()) == expected);
    }
  }
}

TEST_CASE("a change of rate has no delay: every frame is the sine at its own time") {
  for (const Rates& rates : kRates) {
    const int lower_hz = std::min(rates.in_hz, rates.out_hz);
    const double hz = 0.47 * lower_hz;
    const std::vector<float> out = converted(rates, hz, rates.in_hz / 2, 512);
    // What lies within half the filter of an end hears the end.
    const auto edge = static_cast<std::size_t>(161 * std::ceil(1.0 * rates.out_hz / lower_hz));
    double worst = 0.0;
    for (std::size_t t = edge; t + edge < out.size(); ++t) {
      const double expected = SineSource::at(hz, static_cast<double>(t) / rates.out_hz);
      worst = std::max(worst, std::abs(static_cast<double>(out[t]) - expected));
    }
    CAPTURE(rates.in_hz, rates.out_hz, worst);
    // 120 dB of the filter's design and sums in f32; rows that are interpolated add 2^-17.
    CHECK(worst < (rates.out_hz == 47999 ? 1.2e-5 : 4.0e-6));
  }
}

TEST_CASE("blocks of 1, 7 and 4096 frames of a changed rate are the same, bit for bit") {
  for (const Rates& rates : kRates) {
    const std::vector<float> expected = converted(rates, 1000.0, 5'001, 256);
    for (const int block : {1, 7, kMaxStreamBlock}) {
      CAPTURE(rates.in_hz, rates.out_hz, block);
      CHECK(converted(rates, 1000.0, 5'001, block) == expected);
    }
  }
}

TEST_CASE("an inner source is never asked for more than a stream's block") {
  SineSource::most_asked = 0;
  converted({192'000, 1000}, 100.0, 500'000, kMaxStreamBlock);
  CHECK(SineSource::most_asked == kMaxStreamBlock);
}

TEST_CASE("a source that is retired rings out through the filter and ends") {
  CountingSourceOptions options;
  options.total_frames = 1'000'000;
  options.ring_out_frames = 500;
  RateSource source(counting(options), 44100);
  std::vector<float> out(2 * 256);
  REQUIRE(source.render({out.data(), 256, 2}, 0) == 256);
  const double before_s = source.state().position_s;
  source.retire();
  const std::size_t rest = rendered(source, 256).size();
  CHECK(256 + rest == static_cast<std::size_t>(std::ceil((before_s * 48000 + 500) * 0.91875)));
}
