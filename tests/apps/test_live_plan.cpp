#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <limits>
#include <memory>
#include <string>
#include <thread>

#include "apps/play/live_lines.h"
#include "apps/play/live_plan.h"
#include "tests/support/synth_rig.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

// Every sample of a lane takes so much of its own length.
class CostlyRunner : public FakeStepRunner {
 public:
  CostlyRunner(int lanes, int rate_hz, double load_of_a_lane)
      : FakeStepRunner(lanes, 256), second_s_(load_of_a_lane / rate_hz) {}
  void process(std::span<const StepLane> lanes, int samples) noexcept override {
    const auto until =
        std::chrono::steady_clock::now() +
        std::chrono::duration<double>(second_s_ * samples * static_cast<double>(lanes.size()));
    FakeStepRunner::process(lanes, samples);
    while (std::chrono::steady_clock::now() < until) {
    }
  }

 private:
  double second_s_;
};

// Good for so many samples, then NaN, as a device that has failed gives.
class BreakingRunner : public FakeStepRunner {
 public:
  BreakingRunner(int good_samples, std::string failure)
      : FakeStepRunner(16, 256), left_(good_samples), failure_(std::move(failure)) {}
  void process(std::span<const StepLane> lanes, int samples) noexcept override {
    FakeStepRunner::process(lanes, samples);
    left_ -= samples;
    if (left_ < 0) {
      lanes.front().output.back() = std::numeric_limits<float>::quiet_NaN();
    }
  }
  std::string failure() const override { return failure_; }

 private:
  int left_;
  std::string failure_;
};

LiveTrial try_runner(std::unique_ptr<LaneRunner> runner) {
  static const NotePlan plan = toy_plan();
  static const NoteContract contract = toy_contract();
  SynthVoice voice;
  voice.plan = &plan;
  voice.contract = &contract;
  voice.runner = std::move(runner);
  voice.name = "reed";
  return try_voice(std::move(voice), {}, 64);
}

LiveTrial try_costly(double load_of_a_lane) {
  return try_runner(
      std::make_unique<CostlyRunner>(16, toy_contract().sample_rate_hz, load_of_a_lane));
}

}  // namespace

TEST_CASE("a key's latency covers the device's turn, the lead and a block, at every buffer size") {
  for (int device = 16; device <= 4096; device *= 2) {
    const LivePlan plan = plan_latency(device, 48000, 0.0);
    CHECK(plan.ahead_frames >= device + plan.block_frames);
    CHECK(plan.latency_frames >= device + plan.ahead_frames + plan.block_frames);
    CHECK(plan.block_frames >= 16);
  }
  // Buffers of 128 frames at 48 kHz: 352 frames, 7.3 ms.
  CHECK(plan_latency(128, 48000, 0.0).latency_frames == 352);
}

TEST_CASE("more latency than is needed becomes lead; less than is safe is not taken") {
  const LivePlan least = plan_latency(256, 48000, 0.0);
  const LivePlan more = plan_latency(256, 48000, 50.0);
  CHECK(more.latency_frames == 2400);
  CHECK(more.ahead_frames - least.ahead_frames == more.latency_frames - least.latency_frames);
  CHECK(plan_latency(256, 48000, 1.0).latency_frames == least.latency_frames);
  CHECK(plan_latency(256, 48000, -3.0).latency_frames == least.latency_frames);
}

TEST_CASE(
    "a device that takes more at once changes the latency first and the lead then, and back") {
  FollowedPlan followed(256, 8192, 48000, 0.0);
  const LivePlan first = followed.plan();
  StreamOptions options;
  options.block_frames = first.block_frames;
  options.ahead_frames = first.ahead_frames;
  options.most_ahead_frames = followed.most_ahead_frames();
  Stream stream(options);
  const std::shared_ptr<const std::atomic<int>> latency = followed.latency_frames();
  followed.apply(stream, first.ahead_frames);
  CHECK(latency->load() == first.latency_frames);
  CHECK(stream.ahead_frames() == first.ahead_frames);

  followed.change_device(1024);
  const LivePlan longer = followed.plan();
  CHECK(longer.block_frames == first.block_frames);
  CHECK(longer.ahead_frames >= 1024 + longer.block_frames);
  CHECK(longer.latency_frames >= 1024 + longer.ahead_frames + longer.block_frames);
  followed.apply(stream, first.ahead_frames);
  CHECK(latency->load() == longer.latency_frames);
  CHECK(stream.ahead_frames() == longer.ahead_frames);

  followed.change_device(256);
  followed.apply(stream, longer.ahead_frames);
  CHECK(stream.ahead_frames() == first.ahead_frames);
  CHECK(latency->load() == longer.latency_frames);  // so much has been rendered
  followed.apply(stream, first.ahead_frames + first.block_frames);
  CHECK(latency->load() == first.latency_frames);

  followed.change_device(100'000);  // more than there is room for
  followed.apply(stream, 0);
  CHECK(stream.ahead_frames() == followed.most_ahead_frames());
}

TEST_CASE("a trial tells how many notes a machine makes at once") {
  const LiveTrial light = try_costly(0.001);
  CHECK(light.fitting_lanes == 16);
  const LiveTrial heavy = try_costly(0.2);  // sixteen take 3.2: four fit into 0.8
  CHECK(heavy.load >= 3.2);
  CHECK(heavy.fitting_lanes <= 4);
  CHECK(heavy.fitting_lanes >= 1);  // fewer where other programs take the processor
  const auto begin = std::chrono::steady_clock::now();
  CHECK(try_costly(3.0).fitting_lanes == 1);  // never none
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
}

TEST_CASE("a voice that breaks in its trial is refused; a device's own words make it the device") {
  const auto try_breaking = [](const std::string& failure) {
    try_runner(std::make_unique<BreakingRunner>(2500, failure));  // at 24 kHz
  };
  const std::string what = "the voice reed made samples that are no finite numbers at 0.1 s";
  CHECK(message_of(ErrorCode::bad_input, [&] { try_breaking(""); }) == what);
  CHECK(message_of(ErrorCode::no_device, [&] { try_breaking("the bus is gone"); }) ==
        what + ": the bus is gone");
}

TEST_CASE("what was played is fetched to the end, then a source that has ended leaves its counts") {
  LiveLines lines;
  for (int i = 0; i < 3; ++i) {
    auto line = std::make_shared<LiveLine>();
    line->publish_notes(10 + i, i);
    line->count_late();
    line->remember({i, {0x90, 60, 100}});
    lines.add(line);
  }
  lines.newest().close();
  std::vector<std::int64_t> frames;
  const auto played = [&](const PlayedEvent& event) { frames.push_back(event.stream_frame); };
  lines.fetch(played);
  lines.fetch(played);
  CHECK(frames == std::vector<std::int64_t>{0, 1, 2});
  CHECK(lines.size() == 2);
  const LineCounts counts = lines.counts();
  CHECK(counts.notes == 33);
  CHECK(counts.stolen_notes == 3);
  CHECK(counts.late_events == 3);
  CHECK(counts.lost_events == 0);
}
