// The harmonic-plus-noise runner: bits, splits, company, and what a plan should sound like.
#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "engine/conditioning/note_contract.h"
#include "engine/cpu/runner_options.h"
#include "engine/error.h"
#include "tests/support/thrown_error.h"

namespace ondes {
namespace {

constexpr int kRateHz = 48000;
constexpr int kHop = 32;
constexpr int kFeatures = 3;  // pitch and two more
constexpr int kSamples = 700;

// A small random plan with everything in it.
struct Plan {
  explicit Plan(unsigned seed, int partials = 9, int bands = 5, int taps = 32) {
    std::mt19937 dice(seed);
    std::normal_distribution<float> normal;
    const auto fill = [&](std::size_t count, float scale) {
      std::vector<float> values(count);
      for (float& v : values) {
        v = scale * normal(dice);
      }
      stored.push_back(std::move(values));
      return std::span<const float>(stored.back());
    };
    stored.reserve(16);
    plan.sample_rate_hz = kRateHz;
    plan.hop_samples = kHop;
    plan.row_features = kFeatures;
    plan.sample_features = 1;
    plan.partials = partials;
    plan.noise_bands = bands;
    plan.noise_taps = taps;
    const auto dense = [&](int in, int out, Activation activation) {
      return DenseOp{in, out, fill(static_cast<std::size_t>(in * out), 0.3F),
                     fill(static_cast<std::size_t>(out), 0.3F), activation};
    };
    plan.controls = {dense(kFeatures, 17, Activation::relu),
                     dense(17, partials + bands, Activation::none)};
    plan.detune = {dense(kFeatures, partials, Activation::none)};
    plan.noise_kernel = fill(static_cast<std::size_t>(taps * bands), 0.05F);
  }
  HarmonicNoisePlan plan;
  std::vector<std::vector<float>> stored;
};

// The life of one note: rows on the hop grid, and a second grid from the release on.
struct Note {
  Note(float pitch, int release) {
    for (int at = 0; at < kSamples; at += kHop) {
      if (at < release) {
        starts.push_back(at);
      }
    }
    for (int at = release; at < kSamples; at += kHop) {
      starts.push_back(at);
    }
    for (std::size_t r = 0; r < starts.size(); ++r) {
      rows.insert(rows.end(), {(pitch - 60.0F) / 24.0F, starts[r] < release ? 1.0F : 0.0F,
                               std::sin(static_cast<float>(r))});
    }
    const double hz = static_cast<double>(semitones_to_hz(pitch));
    for (int t = 0; t < kSamples; ++t) {
      const double cycles = hz * t / kRateHz;
      phase.push_back(static_cast<float>(cycles - std::floor(cycles + 0.5)));
    }
  }
  std::vector<int> starts;
  std::vector<float> rows;
  std::vector<float> phase;
};

// Plays the notes as lanes 0, 1, ... in calls of the given lengths, over and over.
std::vector<std::vector<float>> play(LaneRunner* runner,
                                     const std::vector<Note>& notes,
                                     const std::vector<int>& blocks,
                                     float temperature = 1.0F) {
  std::vector<std::vector<float>> out(notes.size(), std::vector<float>(kSamples));
  for (std::size_t i = 0; i < notes.size(); ++i) {
    runner->start(static_cast<int>(i));
  }
  std::size_t next = 0;
  for (int at = 0; at < kSamples;) {
    const int n = std::min(blocks[next++ % blocks.size()], kSamples - at);
    std::vector<StepLane> lanes;
    std::vector<std::vector<int>> starts(notes.size());
    for (std::size_t i = 0; i < notes.size(); ++i) {
      const Note& note = notes[i];
      std::size_t first = 0;
      while (first < note.starts.size() && note.starts[first] < at) {
        ++first;
      }
      for (std::size_t r = first; r < note.starts.size() && note.starts[r] < at + n; ++r) {
        starts[i].push_back(note.starts[r] - at);
      }
      StepLane lane;
      lane.slot = static_cast<int>(i);
      lane.first_sample = at;
      lane.seed = 7;
      lane.identity = 1000 + i;
      lane.temperature = temperature;
      lane.rows = ConstFrames(note.rows.data() + first * kFeatures,
                              static_cast<int>(starts[i].size()), kFeatures);
      lane.row_starts = starts[i];
      lane.sample_features = ConstFrames(note.phase.data() + at, n, 1);
      lane.output =
          std::span(out[i]).subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(n));
      lanes.push_back(lane);
    }
    runner->process(lanes, n);
    at += n;
  }
  return out;
}

std::vector<Note> three_notes() {
  return {Note(45.0F, 300), Note(61.3F, 317), Note(100.0F, 640)};
}

LaneRunnerOptions options_for(int threads = 1) {
  LaneRunnerOptions options;
  options.max_lanes = 4;
  options.max_block_samples = 256;
  options.threads = threads;
  return options;
}

}  // namespace

TEST_CASE("every instruction set gives the judge's bits") {
  const Plan plan(1);
  const auto judge = make_cpu_harmonic_noise_runner_for(Isa::scalar, plan.plan, options_for());
  const auto expected = play(judge.get(), three_notes(), {100});
  for (const Isa isa : supported_isas()) {
    const auto runner = make_cpu_harmonic_noise_runner_for(isa, plan.plan, options_for());
    INFO(runner->description());
    CHECK(play(runner.get(), three_notes(), {100}) == expected);
  }
}

TEST_CASE("blocks of any size, threads and company give the same bits") {
  const Plan plan(2);
  const auto runner = make_cpu_harmonic_noise_runner(plan.plan, options_for());
  const auto expected = play(runner.get(), three_notes(), {256});
  for (const std::vector<int>& blocks :
       {std::vector<int>{1}, std::vector<int>{7, 64, 3}, std::vector<int>{255, 2}}) {
    CHECK(play(runner.get(), three_notes(), blocks) == expected);
  }
  const auto threaded = make_cpu_harmonic_noise_runner(plan.plan, options_for(2));
  CHECK(play(threaded.get(), three_notes(), {64}) == expected);
  CHECK(play(runner.get(), {three_notes()[0]}, {64})[0] == expected[0]);
}

TEST_CASE("a partial is a sine of the note's phase that rises over one hop") {
  HarmonicNoisePlan plan;
  plan.sample_rate_hz = kRateHz;
  plan.hop_samples = kHop;
  plan.row_features = kFeatures;
  plan.partials = 2;
  plan.noise_bands = 2;
  plan.noise_taps = 16;
  plan.sample_features = 1;
  const std::vector<float> weights(4 * kFeatures, 0.0F);
  const std::vector<float> bias = {-40.0F, std::log(0.5F), -40.0F, -40.0F};  // the second alone
  const std::vector<float> kernel(32, 0.0F);
  plan.controls = {{kFeatures, 4, weights, bias, Activation::none}};
  plan.noise_kernel = kernel;
  const auto runner = make_cpu_harmonic_noise_runner(plan, options_for());
  const Note note(69.0F, kSamples);
  const std::vector<float> out = play(runner.get(), {note}, {50})[0];
  for (int t = 0; t < kSamples; ++t) {
    const double rise = std::min(1.0, static_cast<double>(t) / kHop);
    const double wanted = 0.5 * rise * std::sin(2.0 * std::numbers::pi * 2.0 * 440.0 * t / kRateHz);
    // The phase as a float is good to 3e-8 turns, times 4 pi; the sine to 3e-7.
    REQUIRE(out[static_cast<std::size_t>(t)] == Approx(wanted).margin(2e-6));
  }
}

TEST_CASE("temperature scales the noise and nothing else") {
  const Plan plan(3);
  const auto runner = make_cpu_harmonic_noise_runner(plan.plan, options_for());
  const auto silent = play(runner.get(), {three_notes()[0]}, {64}, 0.0F)[0];
  const auto one = play(runner.get(), {three_notes()[0]}, {64}, 1.0F)[0];
  const auto two = play(runner.get(), {three_notes()[0]}, {64}, 2.0F)[0];
  double noise = 0.0;
  for (std::size_t t = 0; t < one.size(); ++t) {
    // Some float roundings of sums of order 10.
    REQUIRE(two[t] - silent[t] == Approx(2.0 * (one[t] - silent[t])).margin(2e-5));
    noise += std::fabs(one[t] - silent[t]);
  }
  CHECK(noise > 0.1);
}

TEST_CASE("partials above half the sample rate are silent") {
  Plan plan(4, 64);
  const auto runner = make_cpu_harmonic_noise_runner(plan.plan, options_for());
  const auto out = play(runner.get(), {Note(110.0F, 500)}, {64}, 0.0F)[0];  // 4698 Hz: five fit
  const auto all = play(runner.get(), {Note(30.0F, 500)}, {64}, 0.0F)[0];
  const auto energy = [](const std::vector<float>& x) {
    double sum = 0.0;
    for (const float v : x) {
      sum += static_cast<double>(v) * static_cast<double>(v);
    }
    return sum;
  };
  CHECK(energy(out) < 0.3 * energy(all));
}

TEST_CASE("a plan whose sizes contradict each other is refused by name") {
  const Plan plan(5);
  HarmonicNoisePlan broken = plan.plan;
  broken.noise_kernel = broken.noise_kernel.first(3);
  check_contains(message_of(ErrorCode::bad_input,
                            [&] { make_cpu_harmonic_noise_runner(broken, options_for()); }),
                 {"noise_kernel", "160"});
  broken = plan.plan;
  broken.detune[0].outputs = 3;
  check_contains(message_of(ErrorCode::bad_input,
                            [&] { make_cpu_harmonic_noise_runner(broken, options_for()); }),
                 {"detune.outputs"});
}

}  // namespace ondes
