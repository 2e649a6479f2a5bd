#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "engine/buffer.h"
#include "engine/conditioning/note_conditioner.h"
#include "tests/support/toy_voice.h"

using namespace ondes;

namespace {

const std::vector<float> kPiano{1.0F, 0.0F};

struct Trace {
  std::vector<std::int64_t> row_positions;
  std::vector<float> rows;
  std::vector<float> features;
  bool operator==(const Trace&) const = default;
};

// Runs the conditioner, releasing at `release` (or never, -1), in blocks drawn from `engine` (or
// whole).
Trace run(NoteConditioner& conditioner,
          const NoteContract& contract,
          int length,
          int release,
          std::mt19937* engine) {
  Trace trace;
  const int width = contract.row_features();
  while (conditioner.position_samples() < length) {
    const int at = static_cast<int>(conditioner.position_samples());
    if (at == release) {
      conditioner.release();
    }
    int samples = engine == nullptr ? length : 1 + static_cast<int>((*engine)() % 200);
    samples = std::min(samples, (at < release ? release : length) - at);
    const int max_rows = conditioner.max_rows(samples);
    Buffer rows(max_rows, width);
    Buffer features(samples, contract.sample_features());
    std::vector<int> starts(static_cast<std::size_t>(max_rows));
    const int count = conditioner.process(samples, rows.view(), starts, features.view());
    for (int r = 0; r < count; ++r) {
      trace.row_positions.push_back(at + starts[static_cast<std::size_t>(r)]);
      trace.rows.insert(trace.rows.end(), rows.view()[r].begin(), rows.view()[r].end());
    }
    for (int t = 0; t < samples; ++t) {
      trace.features.insert(trace.features.end(), features.view()[t].begin(),
                            features.view()[t].end());
    }
  }
  return trace;
}

}  // namespace

TEST_CASE("any split into blocks gives the same rows and features, bit for bit") {
  const NoteContract contract = toy_contract();
  NoteConditioner whole(contract);
  whole.start(61.0F, 0.5F, kPiano);
  const Trace expected = run(whole, contract, 5000, 2345, nullptr);
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 engine(seed);
    NoteConditioner split(contract);
    split.start(61.0F, 0.5F, kPiano);
    CHECK(run(split, contract, 5000, 2345, &engine) == expected);
  }
}

TEST_CASE(
    "rows open at the onset, every hop, and at the release, from which the grid counts anew") {
  const NoteContract contract = toy_contract();
  NoteConditioner conditioner(contract);
  conditioner.start(60.0F, 1.0F, kPiano);
  const Trace trace = run(conditioner, contract, 400, 150, nullptr);
  CHECK(trace.row_positions == std::vector<std::int64_t>{0, 64, 128, 150, 214, 278, 342});
  const auto gate = [&](std::size_t row) { return trace.rows[row * 9 + 4]; };
  CHECK(gate(2) == 1.0F);
  CHECK(gate(3) == 0.0F);
  CHECK(trace.rows[3 * 9 + 6] == 1.0F);  // release decay at age 0
}

TEST_CASE("the phase turns at the note's frequency and starts at zero") {
  const NoteContract contract = toy_contract();
  NoteConditioner conditioner(contract);
  conditioner.start(69.0F, 1.0F, kPiano);
  const int length = 24000;
  const Trace trace = run(conditioner, contract, length, -1, nullptr);
  CHECK(trace.features[0] == 1.0F);
  CHECK(trace.features[1] == 0.0F);
  double worst = 0.0;
  for (int t = 0; t < length; ++t) {
    const double expected = std::cos(2.0 * M_PI * 440.0 * t / 24000.0);
    worst = std::max(worst, std::abs(expected - trace.features[static_cast<std::size_t>(4 * t)]));
  }
  // One second of accumulation in double; cosine to float accuracy; 440 Hz to 2e-7 relative, which
  // after 440 cycles is 6e-4 rad at most.
  CHECK(worst < 1e-3);
}

TEST_CASE("a bend glides over the row that takes it up and leaves the waveform continuous") {
  const NoteContract contract = toy_contract();
  NoteConditioner conditioner(contract);
  conditioner.start(60.0F, 1.0F, kPiano);
  Buffer rows(10, contract.row_features());
  std::vector<int> starts(10);
  Buffer features(256, contract.sample_features());
  conditioner.process(100, rows.view(), starts, features.view());
  conditioner.set_pitch_offset(2.0F);  // taken up at sample 128, reached at 192
  const int count =
      conditioner.process(156, rows.view(), starts, features.view().subview(100, 156));
  REQUIRE(count == 2);
  CHECK(rows.view()[0][0] == Approx(2.0F / 24.0F));
  const auto turn = [&](int t) {  // cycles from sample t to t + 1
    const std::span<float> a = features.view()[t];
    const std::span<float> b = features.view()[t + 1];
    return std::atan2(a[0] * b[1] - a[1] * b[0], a[0] * b[0] + a[1] * b[1]) / (2.0 * M_PI);
  };
  const double before_hz = semitones_to_hz(60.0F);
  const double after_hz = semitones_to_hz(62.0F);
  // Two float features of 1e-7 accuracy: 24000 * 3e-7 / 2 pi is about 1e-3 Hz; margin 10 times
  // that.
  CHECK(turn(120) * 24000.0 == Approx(before_hz).margin(0.02));
  CHECK(turn(160) * 24000.0 == Approx(before_hz + (after_hz - before_hz) * 32 / 64).margin(0.02));
  CHECK(turn(200) * 24000.0 == Approx(after_hz).margin(0.02));
}

TEST_CASE("the phase as a feature is the angle of the first harmonic, in turns") {
  NoteContract contract = toy_contract();
  contract.phase = true;
  REQUIRE(contract.sample_features() == 2 * contract.harmonics + 1);
  std::vector<float> features(static_cast<std::size_t>(contract.sample_features()));
  for (const double cycles : {0.0, 0.2, 0.7, 123.4, -3.9}) {
    write_harmonics(contract, cycles, 100.0F, features);
    const double angle =
        std::atan2(static_cast<double>(features[1]), static_cast<double>(features[0])) /
        (2.0 * 3.14159265358979);
    const double difference = static_cast<double>(features.back()) - angle;
    // Cosine and sine are good to 3e-7.
    CHECK(std::fabs(difference - std::round(difference)) < 1e-6);
    CHECK(std::fabs(features.back()) <= 0.5F);
  }
}

TEST_CASE("planning without sample features gives the same rows") {
  const NoteContract contract = toy_contract();
  NoteConditioner full(contract);
  NoteConditioner planning(contract);
  full.start(60.0F, 1.0F, kPiano);
  planning.start(60.0F, 1.0F, kPiano);
  Buffer features(256, contract.sample_features());
  Buffer rows_a(6, contract.row_features());
  Buffer rows_b(6, contract.row_features());
  std::vector<int> starts(6);
  REQUIRE(full.process(256, rows_a.view(), starts, features.view()) == 4);
  REQUIRE(planning.process(256, rows_b.view(), starts, Frames()) == 4);
  for (int r = 0; r < 4; ++r) {
    CHECK(std::equal(rows_a.view()[r].begin(), rows_a.view()[r].end(), rows_b.view()[r].begin()));
  }
}

TEST_CASE("the next row is announced") {
  const NoteContract contract = toy_contract();
  NoteConditioner conditioner(contract);
  conditioner.start(60.0F, 1.0F, kPiano);
  CHECK(conditioner.samples_to_next_row() == 0);
  Buffer rows(4, contract.row_features());
  std::vector<int> starts(4);
  Buffer features(64, contract.sample_features());
  conditioner.process(10, rows.view(), starts, features.view());
  CHECK(conditioner.samples_to_next_row() == 54);
  conditioner.release();
  CHECK(conditioner.samples_to_next_row() == 0);
}
