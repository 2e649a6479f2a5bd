// Every voice in samples/voices: what it says of itself, that it plays in tune and falls silent,
// and what the integer precisions cost it in log-likelihood.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <vector>

#include "dsp/pitch.h"
#include "engine/lanes/note_lane.h"
#include "engine/plan/lane_plan.h"
#include "engine/plan/step_runner.h"
#include "engine/weights/voice_file.h"
#include "models/registry.h"

namespace ondes {
namespace {

struct LoadedVoice {
  std::string path;
  VoiceFile file;
  NoteContract contract;
  LanePlan plan;
};

std::vector<LoadedVoice> shipped_voices() {
  std::vector<LoadedVoice> voices;
  const auto folder = std::filesystem::path(ONDES_SOURCE_DIR) / "samples" / "voices";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".safetensors") {
      LoadedVoice voice;
      voice.path = entry.path().string();
      voice.file = open_voice(voice.path);
      voice.contract = note_contract_from_json(voice.file.description->at("features"), voice.path);
      voice.plan = compile_lane_plan(voice.file);
      voices.push_back(std::move(voice));
    }
  }
  return voices;
}

template <class Plan>
auto runner_for(const Plan& plan, Precision precision) {
  LaneRunnerOptions options;
  options.precision = precision;
  options.max_lanes = 1;
  if constexpr (std::is_same_v<Plan, StepPlan>) {
    return make_cpu_step_runner(plan, options);
  } else {
    return make_cpu_lane_runner(plan, options);
  }
}

NoteLane started_lane(const LoadedVoice& voice, std::size_t instrument, int key) {
  NoteLane lane(0, voice.contract, note_plan(voice.plan), 256);
  std::vector<float> weights(voice.contract.instruments.size(), 0.0F);
  weights[instrument] = 1.0F;
  NoteStart start;
  start.key = key;
  start.velocity = 0.75F;
  start.instrument_weights = weights;
  lane.start(start);
  return lane;
}

// One note held for `held` samples and played until its lane ends or `longest` samples.
std::vector<float> play(
    const LoadedVoice& voice, std::size_t instrument, int key, int held, int longest, bool* ended) {
  const auto runner = runner_for(voice.plan, Precision::f32);
  NoteLane lane = started_lane(voice, instrument, key);
  runner->start(0);
  std::vector<float> out;
  for (int at = 0; at < longest && !lane.finished();) {
    if (at == held) {
      lane.release();
    }
    const int count = std::min(256, at < held ? held - at : longest - at);
    const StepLane step = lane.prepare(count, 0.0F, 0.0F, 1, 0.5F);
    runner->process({&step, 1}, count);
    const auto block = lane.finish(count);
    out.insert(out.end(), block.begin(), block.end());
    at += count;
  }
  *ended = lane.finished();
  return out;
}

double median_pitch_hz(std::span<const float> x, const NoteContract& contract, double wanted_hz) {
  PitchOptions options;
  options.min_hz = wanted_hz / 2.2;
  options.max_hz = wanted_hz * 2.2;
  std::vector<double> found;
  for (const PitchFrame& frame : track_pitch(x, contract.sample_rate_hz, options)) {
    if (frame.hz > 0.0) {
      found.push_back(frame.hz);
    }
  }
  REQUIRE_FALSE(found.empty());
  std::nth_element(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(found.size() / 2),
                   found.end());
  return found[found.size() / 2];
}

TEST_CASE("the shipped voice has eight instruments, 24 kHz, finer than 12 bits, and a licence") {
  const auto voices = shipped_voices();
  REQUIRE_FALSE(voices.empty());
  for (const LoadedVoice& voice : voices) {
    INFO(voice.path);
    CHECK(voice.contract.instruments.size() >= 8);
    CHECK(voice.contract.sample_rate_hz >= 24000);
    if (const auto* step = std::get_if<StepPlan>(&voice.plan)) {
      CHECK(step->distribution == Distribution::logistic_mixture);
      CHECK(step->amplitude_levels >= 4096);
    }
    CHECK_FALSE(voice.file.description->at("licence").get<std::string>().empty());
    CHECK(voice.file.description->at("training").contains("corpus"));
    CHECK(std::filesystem::file_size(voice.path) <= 10'000'000);
  }
}

TEST_CASE("every instrument of the shipped voice plays in tune and falls silent after release") {
  // Keys inside every instrument's range but awkward for nobody's fundamental.
  const std::map<std::string, int> keys = {{"cello", 55}, {"flute", 76}, {"trumpet", 67}};
  for (const LoadedVoice& voice : shipped_voices()) {
    for (std::size_t i = 0; i < voice.contract.instruments.size(); ++i) {
      const auto found = keys.find(voice.contract.instruments[i]);
      const int key = found == keys.end() ? 64 : found->second;
      const int rate = voice.contract.sample_rate_hz;
      bool ended = false;
      const auto x = play(voice, i, key, rate / 2, 4 * rate, &ended);
      INFO(voice.path << ": " << voice.contract.instruments[i]);
      CHECK(ended);
      const double wanted_hz = static_cast<double>(semitones_to_hz(static_cast<float>(key)));
      const auto held = std::span(x).subspan(static_cast<std::size_t>(rate / 10),
                                             static_cast<std::size_t>(rate / 3));
      const double cents =
          1200.0 * std::log2(median_pitch_hz(held, voice.contract, wanted_hz) / wanted_hz);
      // The issue's own limit of being in tune. The live voice's piano has its strings' stretched
      // partials, by which YIN reads up to 29 cents sharp on the recordings too.
      const bool stretched = voice.contract.phase && voice.contract.instruments[i] == "piano";
      CHECK(std::fabs(cents) < (stretched ? 30.0 : 20.0));
      float peak = 0.0F;
      for (const float v : x) {
        REQUIRE(std::isfinite(v));
        peak = std::max(peak, std::fabs(v));
      }
      CHECK(peak > 0.01F);  // -40 dBFS: a note at three quarters of full velocity is heard,
      CHECK(peak < 1.0F);   // and one note alone does not clip
      CHECK(std::fabs(x.back()) < 1.0e-4F);
    }
  }
}

// Adds to ln_p[r] the log-likelihood that runner r gives to one note, a quarter of a second that
// `player` draws.
void score_note(const LoadedVoice& voice,
                std::size_t instrument,
                StepRunner* player,
                const std::vector<std::unique_ptr<StepRunner>>& judges,
                std::vector<double>* ln_p) {
  const int samples = voice.contract.sample_rate_hz / 4;
  NoteLane lane = started_lane(voice, instrument, 64);
  player->start(0);
  for (const auto& judge : judges) {
    judge->start(0);
  }
  for (int at = 0; at < samples; at += 256) {
    const int count = std::min(256, samples - at);
    const StepLane step = lane.prepare(count, 0.0F, 0.0F, 1, 1.0F);
    player->process({&step, 1}, count);
    const std::vector<float> played(step.output.begin(), step.output.end());
    static_cast<void>(lane.finish(count));
    std::vector<float> scratch(played.size());
    std::vector<float> each(played.size());
    for (std::size_t r = 0; r < judges.size(); ++r) {
      StepLane forced = step;
      forced.output = scratch;
      forced.teacher = played;
      forced.log_likelihood = each;
      judges[r]->process({&forced, 1}, count);
      for (const float v : each) {
        (*ln_p)[r] += static_cast<double>(v) / samples;
      }
    }
  }
}

TEST_CASE("i16 and i8 lose next to nothing of the shipped voice's log-likelihood") {
  for (const LoadedVoice& voice : shipped_voices()) {
    const auto* step = std::get_if<StepPlan>(&voice.plan);
    if (step == nullptr) {
      continue;  // no other plan gives likelihoods, or computes in integers
    }
    const auto player = runner_for(*step, Precision::f32);
    std::vector<std::unique_ptr<StepRunner>> judges;
    for (const Precision precision : {Precision::f32, Precision::i16, Precision::i8}) {
      judges.push_back(runner_for(*step, precision));
    }
    std::vector<double> ln_p(judges.size(), 0.0);
    for (std::size_t i = 0; i < voice.contract.instruments.size(); ++i) {
      score_note(voice, i, player.get(), judges, &ln_p);
    }
    const double notes = static_cast<double>(voice.contract.instruments.size());
    const double i16_loss = (ln_p[0] - ln_p[1]) / notes;
    const double i8_loss = (ln_p[0] - ln_p[2]) / notes;
    std::printf("%s: f32 %.4f nats a sample; loss i16 %.5f, i8 %.5f\n", voice.file.name.c_str(),
                ln_p[0] / notes, i16_loss, i8_loss);
    // A nat is 8.7 dB of the network's own noise: 0.01 and 0.1 raise it by 0.1 and 0.9 dB.
    CHECK(std::fabs(i16_loss) < 0.01);
    CHECK(std::fabs(i8_loss) < 0.1);
  }
}

}  // namespace
}  // namespace ondes
