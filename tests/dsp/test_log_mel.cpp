#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "dsp/log_mel.h"
#include "engine/error.h"
#include "tests/support/allocation_counter.h"

using namespace ondes;

namespace {

using Padding = MelConfig::Padding;

std::vector<float> noise(std::size_t samples, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<float> x(samples);
  for (float& value : x) {
    value = static_cast<float>(generator()) * 0x1p-31F - 1.0F;
  }
  return x;
}

MelConfig small(Padding padding) {
  MelConfig config;
  config.bank = {
      .sample_rate_hz = 8000, .fft_size = 64, .mels = 6, .fmin_hz = 0.0, .fmax_hz = 4000.0};
  config.window_samples = 48;
  config.hop_samples = 20;
  config.padding = padding;
  return config;
}

// The whole signal in blocks whose sizes repeat `sizes`.
std::vector<float> streamed(LogMel& log_mel, const std::vector<float>& x, std::vector<int> sizes) {
  const int greatest = *std::max_element(sizes.begin(), sizes.end());
  log_mel.prepare(std::max(greatest, 1));
  const auto mels = static_cast<std::size_t>(log_mel.mels());
  std::vector<float> memory(static_cast<std::size_t>(log_mel.max_frames()) * mels);
  const Frames out(memory.data(), log_mel.max_frames(), log_mel.mels());
  std::vector<float> all;
  const auto append = [&](int frames) {
    REQUIRE(frames <= log_mel.max_frames());
    all.insert(
        all.end(), memory.begin(),
        memory.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(frames) * mels));
  };
  std::size_t done = 0;
  for (std::size_t block = 0; done < x.size(); ++block) {
    const auto size =
        std::min(static_cast<std::size_t>(sizes[block % sizes.size()]), x.size() - done);
    append(log_mel.process(std::span(x).subspan(done, size), out));
    done += size;
  }
  append(log_mel.finish(out));
  return all;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  // memcmp wants an address even for no bytes.
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

const std::vector<Padding> kPaddings{Padding::none, Padding::centre_zero, Padding::centre_reflect,
                                     Padding::reflect_hop};

}  // namespace

TEST_CASE("control: an allocation is counted") {
  const AllocationCounter counter;
  delete new volatile int(1);
  CHECK(counter.count() == 2);
}

TEST_CASE("any split of the audio gives the frames of one call, bit for bit, and as many") {
  std::mt19937 generator(3);
  for (const Padding padding : kPaddings) {
    for (const int hop : {1, 7, 20, 64, 90}) {
      MelConfig config = small(padding);
      config.hop_samples = hop;
      if (padding == Padding::reflect_hop && hop > 64) {
        continue;  // refused
      }
      LogMel log_mel(config);
      // From nothing over shorter than the mirror to many times the history.
      for (const std::size_t samples : {0U, 1U, 2U, 19U, 32U, 33U, 48U, 64U, 65U, 500U, 1003U}) {
        const std::vector<float> x = noise(samples, 5);
        const std::vector<float> whole = log_mel.analyze(x);
        REQUIRE(whole.size() ==
                static_cast<std::size_t>(log_mel.frames(static_cast<std::int64_t>(samples)) * 6));
        CHECK(same_bits(streamed(log_mel, x, {1}), whole));
        CHECK(same_bits(streamed(log_mel, x, {7, 64, 1}), whole));
        CHECK(same_bits(streamed(log_mel, x, {2000}), whole));
        std::vector<int> random_sizes(50);
        std::generate(random_sizes.begin(), random_sizes.end(),
                      [&] { return static_cast<int>(generator() % 97); });
        random_sizes.push_back(1);  // so that the end is reached
        CHECK(same_bits(streamed(log_mel, x, random_sizes), whole));
      }
    }
  }
}

TEST_CASE("a stream begins anew after finish and after reset") {
  LogMel log_mel(small(Padding::centre_reflect));
  const std::vector<float> x = noise(300, 1);
  const std::vector<float> first = streamed(log_mel, x, {50});
  std::vector<float> memory(static_cast<std::size_t>(log_mel.max_frames() * 6));
  const Frames out(memory.data(), log_mel.max_frames(), 6);
  log_mel.process(std::span(x).first(40), out);
  log_mel.reset();
  CHECK(same_bits(streamed(log_mel, x, {50}), first));
}

TEST_CASE("the number of frames is the published one") {
  const auto frames = [](const char* profile, std::int64_t samples) {
    return LogMel(*mel_profile(profile)).frames(samples);
  };
  CHECK(frames("hifigan", 256 * 10) == 10);
  CHECK(frames("hifigan", 256 * 10 + 255) == 10);
  CHECK(frames("hifigan", 255) == 0);
  CHECK(frames("tacotron2", 256 * 10) == 11);
  CHECK(frames("tacotron2", 0) == 0);  // nothing to mirror
  CHECK(frames("librosa", 511) == 1);
  CHECK(frames("kaldi", 399) == 0);
  CHECK(frames("kaldi", 400) == 1);
  CHECK(frames("kaldi", 16000) == 98);
}

TEST_CASE("mirrored padding repeats the samples inside the edge and not the edge") {
  // A ramp: mirrored by hand, then analysed without any padding.
  std::vector<float> x(100);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(i) * 0.01F;
  }
  MelConfig config = small(Padding::centre_reflect);
  config.window_samples = 64;
  const std::vector<float> found = LogMel(config).analyze(x);
  std::vector<float> padded;
  for (int i = -32; i < 132; ++i) {
    padded.push_back(x[static_cast<std::size_t>(i < 0 ? -i : i < 100 ? i : 198 - i)]);
  }
  config.padding = Padding::none;
  CHECK(same_bits(LogMel(config).analyze(padded), found));
  config.padding = Padding::centre_zero;
  const std::vector<float> zeros = LogMel(config).analyze(x);
  CHECK(zeros.size() == found.size());
  CHECK_FALSE(same_bits(zeros, found));
}

TEST_CASE("a louder signal is higher by the logarithm of its gain, silence stands on the floor") {
  const std::vector<float> x = noise(2000, 9);
  std::vector<float> half = x;
  for (float& value : half) {
    value *= 0.5F;
  }
  for (const auto& [log, step] : {std::pair{MelConfig::Log::natural, std::log(2.0)},
                                  {MelConfig::Log::decimal, std::log10(2.0)},
                                  {MelConfig::Log::decibel, 10.0 * std::log10(2.0)}}) {
    MelConfig config = small(Padding::centre_zero);
    config.log = log;
    config.magnitude_epsilon = 0.0;
    LogMel log_mel(config);
    const std::vector<float> loud = log_mel.analyze(x);
    const std::vector<float> soft = log_mel.analyze(half);
    for (std::size_t i = 0; i < loud.size(); ++i) {
      CHECK(loud[i] - soft[i] == Approx(step).margin(1e-5));  // float rounding of values up to 20
    }
    const double floor = step / std::log(2.0) * std::log(1e-5);
    for (const float value : log_mel.analyze(std::vector<float>(200, 0.0F))) {
      CHECK(value == Approx(floor).epsilon(1e-6));
    }
  }
}

TEST_CASE("top_db raises what is further below the greatest, and refuses to stream") {
  MelConfig config = small(Padding::centre_zero);
  config.log = MelConfig::Log::decibel;
  config.floor = 1e-10;
  config.top_db = 30.0;
  std::vector<float> x = noise(400, 2);
  x.resize(2000, 0.0F);
  LogMel log_mel(config);
  const std::vector<float> values = log_mel.analyze(x);
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  CHECK(*greatest - *least == Approx(30.0).margin(1e-4));  // rounding of values up to 50
  CHECK_THROWS_AS(log_mel.prepare(64), Error);
}

TEST_CASE("a stream neither allocates nor frees") {
  LogMel log_mel(*mel_profile("hifigan"));
  log_mel.prepare(700);
  const std::vector<float> x = noise(700, 4);
  std::vector<float> memory(static_cast<std::size_t>(log_mel.max_frames() * 80));
  const Frames out(memory.data(), log_mel.max_frames(), 80);
  int made = 0;
  const AllocationCounter counter;
  for (int i = 0; i < 20; ++i) {
    for (const std::size_t size : {1U, 7U, 64U, 700U}) {
      made += log_mel.process(std::span(x).first(size), out);
    }
  }
  made += log_mel.finish(out);
  CHECK(counter.count() == 0);
  CHECK(made == log_mel.frames(20 * 772));
}

TEST_CASE("profiles are found by name, and numbers that make no sense are refused") {
  CHECK_FALSE(mel_profile("hifi").has_value());
  for (const std::string& name : mel_profile_names()) {
    CHECK(LogMel(*mel_profile(name)).empty_bands() == 0);
  }
  const auto refused = [](auto change) {
    MelConfig config = small(Padding::reflect_hop);
    change(config);
    CHECK_THROWS_AS(LogMel(config), Error);
  };
  refused([](MelConfig& c) { c.hop_samples = 0; });
  refused([](MelConfig& c) { c.hop_samples = 65; });
  refused([](MelConfig& c) { c.window_samples = 65; });
  refused([](MelConfig& c) { c.window_samples = 1; });
  refused([](MelConfig& c) { c.floor = 0.0; });
  refused([](MelConfig& c) { c.bank.fft_size = 0; });
  LogMel log_mel(small(Padding::none));
  CHECK_THROWS_AS(log_mel.prepare(0), Error);
  std::vector<float> out(6);
  CHECK_THROWS_AS(log_mel.analyze(noise(500, 1), Frames(out.data(), 1, 6)), Error);
}
