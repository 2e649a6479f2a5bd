#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>
#include <vector>

#include "engine/error.h"
#include "engine/stream/stream_resampler.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

struct Rates {
  int in_hz;
  int out_hz;
};

// Voices' rates to devices' rates; the last one has no small common measure.
constexpr Rates kRates[] = {{48000, 44100}, {24000, 48000}, {44100, 48000},
                            {48000, 96000}, {48000, 16000}, {44100, 47999}};

// `frames` output frames from `first` on, of in(k) = f(k) for the input frame k of the stream.
template <typename Signal>
std::vector<float> convert(
    const Rates& rates, std::int64_t first, int frames, int block, const Signal& signal) {
  StreamResampler resampler(rates.in_hz, rates.out_hz, 1, block);
  resampler.start(first);
  std::vector<float> all;
  std::int64_t next_in = (first * rates.in_hz + rates.out_hz - 1) / rates.out_hz;
  std::vector<float> in(static_cast<std::size_t>(resampler.max_input_frames()));
  std::vector<float> out(static_cast<std::size_t>(block));
  while (static_cast<int>(all.size()) < frames) {
    const int wanted = std::min(block, frames - static_cast<int>(all.size()));
    const int count = resampler.input_frames(wanted);
    REQUIRE(count <= resampler.max_input_frames());
    for (int i = 0; i < count; ++i) {
      in[static_cast<std::size_t>(i)] = static_cast<float>(signal(next_in++));
    }
    resampler.process({in.data(), count, 1}, {out.data(), wanted, 1});
    all.insert(all.end(), out.begin(), out.begin() + wanted);
  }
  return all;
}

double delay_frames(const Rates& rates) {  // of the output
  return StreamResampler::delay_s(rates.in_hz, rates.out_hz) * rates.out_hz;
}

}  // namespace

// What is passed is the sine itself at the time the output frame stands for, less the delay.
TEST_CASE("a sine comes out as itself, the stated delay later, for hours without drift") {
  for (const Rates& rates : kRates) {
    for (const std::int64_t first :
         {std::int64_t{0}, std::int64_t{3'600} * 5 * rates.out_hz + 17}) {
      CAPTURE(rates.in_hz, rates.out_hz, first);
      const double hz = 0.4 * std::min(rates.in_hz, rates.out_hz);
      const auto sine = [&](double time_s) {
        return std::sin(2.0 * std::numbers::pi * std::fmod(hz * time_s, 1.0));
      };
      const std::vector<float> out = convert(rates, first, 4000, 64, [&](std::int64_t k) {
        return sine(static_cast<double>(k) / rates.in_hz);
      });
      double worst = 0.0;
      // After the filter has filled.
      for (std::size_t t = 1000; t < out.size(); ++t) {
        const double at = static_cast<double>(first) + static_cast<double>(t) - delay_frames(rates);
        worst = std::max(worst, std::abs(static_cast<double>(out[t]) - sine(at / rates.out_hz)));
      }
      // 90 dB of the filter's design, and as much again for interpolated rows and f32 sums.
      CHECK(worst < 6.0e-5);
    }
  }
}

TEST_CASE("what the lower rate cannot hold is gone") {
  const Rates rates{48000, 16000};
  const std::vector<float> out =
      convert(rates, 0, 2000, 64, [](std::int64_t k) {  // 10 kHz would become 6 kHz
        return std::sin(2.0 * std::numbers::pi * 10'000.0 * static_cast<double>(k) / 48000.0);
      });
  for (std::size_t t = 500; t < out.size(); ++t) {
    REQUIRE(std::abs(out[t]) < 6.0e-5F);
  }
}

TEST_CASE("a constant stays itself, and silence is silence once the tail is over") {
  for (const Rates& rates : kRates) {
    StreamResampler resampler(rates.in_hz, rates.out_hz, 2, 4096);
    const int frames = 2048;
    std::vector<float> in(2 * static_cast<std::size_t>(resampler.max_input_frames()), 0.25F);
    std::vector<float> out(2 * 4096);
    resampler.process({in.data(), resampler.input_frames(frames), 2}, {out.data(), frames, 2});
    CHECK(out[2 * 2047] == Approx(0.25F).epsilon(1.0e-6));
    std::fill(in.begin(), in.end(), 0.0F);
    const int tail = resampler.tail_frames();
    REQUIRE(tail < 4000);
    resampler.process({in.data(), resampler.input_frames(tail), 2}, {out.data(), tail, 2});
    CHECK(out[0] != 0.0F);
    resampler.process({in.data(), resampler.input_frames(64), 2}, {out.data(), 64, 2});
    CHECK(std::all_of(out.begin(), out.begin() + 128, [](float x) { return x == 0.0F; }));
  }
}

TEST_CASE("blocks of 1, 7 and 512 frames equal one of 3000, bit for bit") {
  for (const Rates& rates : kRates) {
    const auto noise = [](std::int64_t k) {
      return static_cast<double>((k * 7919) % 1009) / 1009.0 - 0.5;
    };
    const std::vector<float> whole = convert(rates, 5, 3000, 3000, noise);
    for (const int block : {1, 7, 512}) {
      CAPTURE(rates.in_hz, rates.out_hz, block);
      CHECK(convert(rates, 5, 3000, block, noise) == whole);
    }
  }
}

TEST_CASE("an output frame falls on an input frame of its own block") {
  for (const Rates& rates : kRates) {
    StreamResampler resampler(rates.in_hz, rates.out_hz, 1, 64);
    std::vector<float> in(static_cast<std::size_t>(resampler.max_input_frames()));
    std::vector<float> out(64);
    for (std::int64_t next = 0; next < 10'000; next += 64) {
      const int count = resampler.input_frames(64);
      for (int t = 0; t < 64; ++t) {
        const std::int64_t input = resampler.input_of(next + t);
        REQUIRE(input >= -1);
        REQUIRE(input < count);
      }
      resampler.process({in.data(), count, 1}, {out.data(), 64, 1});
    }
  }
}

TEST_CASE("rates that make no sense are refused") {
  for (const int rate_hz : {0, 999, 1'000'001, -48000}) {
    message_of(ErrorCode::usage, [&] { StreamResampler resampler(rate_hz, 48000, 2, 64); });
  }
}
