// The note generator: the LibTorch module and the engine's runner make the same samples, and the
// synthesizer's gradients are those of its own differences.
#include <torch/torch.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/buffer.h"
#include "engine/conditioning/note_conditioner.h"
#include "engine/error.h"
#include "engine/plan/harmonic_noise_runner.h"
#include "engine/random/philox.h"
#include "engine/weights/voice_file.h"
#include "models/note_generator/note_generator_torch.h"
#include "tests/support/thrown_error.h"

namespace ondes {
namespace {

constexpr int kRateHz = 48000;
constexpr int kSamples = 1500;
constexpr int kRelease = 813;
constexpr std::uint64_t kSeed = 11;
constexpr std::uint64_t kIdentity = 77;

NoteContract contract() {
  NoteContract c;
  c.sample_rate_hz = kRateHz;
  c.hop_samples = 128;
  c.harmonics = 0;
  c.phase = true;
  c.pitch_centres = {36.0F, 60.0F, 84.0F};
  c.pitch_width = 12.0F;
  c.onset_decays_s = {0.01F, 0.1F};
  c.release_decays_s = {0.02F};
  c.instruments = {"a", "b"};
  c.programs = {0, 40};
  return c;
}

NoteGeneratorConfig config() {
  NoteGeneratorConfig c;
  c.partials = 24;
  c.noise_bands = 10;
  c.noise_taps = 64;
  c.control_channels = {32};
  c.detune_channels = {};
  c.level_channels = {};
  return c;
}

// Weights that make every note sound different.
NoteGeneratorModule lively_module() {
  torch::manual_seed(3);
  NoteGeneratorModule module(config(), contract());
  const torch::NoGradGuard no_grad;
  module->control_weights.back().normal_(0.0, 0.3);
  const std::int64_t features = contract().row_features();
  module->detune_weights = {torch::randn({24, features}) * 5.0};
  module->detune_biases = {torch::randn({24}) * 5.0};
  return module;
}

VoiceFile voice_of(const NoteGeneratorModule& module, std::vector<std::byte>* bytes) {
  std::map<std::string, TensorData> tensors = module->export_tensors();
  const std::vector<float> zeros(static_cast<std::size_t>(contract().row_features()), 0.0F);
  tensors["level.0.weight"] = tensor_from_floats(zeros, {1, contract().row_features()});
  tensors["level.0.bias"] = tensor_from_floats(std::span(zeros).first(1), {1});
  *bytes = write_voice({{"schema", kVoiceSchema},
                        {"name", "test"},
                        {"architecture", "note_generator"},
                        {"sample_rate", kRateHz},
                        {"config", note_generator_config_to_json(config())},
                        {"features", note_contract_to_json(contract())}},
                       tensors);
  return parse_voice(*bytes, "test.safetensors");
}

// A note as its conditioner writes it.
struct Note {
  Note() : features(kSamples, 1) {
    const NoteContract c = contract();
    NoteConditioner conditioner(c);
    const std::vector<float> weights = {0.25F, 0.75F};
    conditioner.start(52.0F, 0.7F, weights);
    rows.allocate(conditioner.max_rows(kSamples) + 1, c.row_features());
    starts.resize(static_cast<std::size_t>(rows.view().frames()));
    count =
        conditioner.process(kRelease, rows.view(), starts, features.view().subview(0, kRelease));
    conditioner.release();
    const int after = conditioner.process(
        kSamples - kRelease, rows.view().subview(count, rows.view().frames() - count),
        std::span(starts).subspan(static_cast<std::size_t>(count)),
        features.view().subview(kRelease, kSamples - kRelease));
    for (int r = count; r < count + after; ++r) {
      starts[static_cast<std::size_t>(r)] += kRelease;
    }
    count += after;
    starts.resize(static_cast<std::size_t>(count));
  }
  Buffer rows;
  Buffer features;
  std::vector<int> starts;
  int count = 0;
};

NoteSynthInput synth_input(const Note& note) {
  NoteSynthInput input;
  input.hop_samples = contract().hop_samples;
  input.phase = torch::empty({1, kSamples});
  input.row_index = torch::empty({1, kSamples}, torch::kInt);
  int row = -1;
  for (int t = 0; t < kSamples; ++t) {
    if (row + 1 < note.count && note.starts[static_cast<std::size_t>(row + 1)] == t) {
      ++row;
    }
    input.phase[0][t] = note.features.view()[t][0];
    input.row_index[0][t] = row;
  }
  const int taps = config().noise_taps;
  input.noise = torch::empty({1, kSamples + taps});
  for (int i = 0; i < kSamples + taps; ++i) {  // noise[i] is w(i - K/2), draw i + K/2
    const auto index = static_cast<std::uint64_t>(i + taps / 2);
    const PhiloxBlock block = philox_draw(kSeed, kIdentity, index >> 2U);
    input.noise[0][i] = 3.4641016F * (uniform_open(block[index & 3U]) - 0.5F);
  }
  input.starts_fresh = torch::ones({1}, torch::kInt);
  return input;
}

torch::Tensor rows_tensor(const Note& note) {
  const int features = contract().row_features();
  torch::Tensor rows = torch::empty({1, note.count, features});
  for (int r = 0; r < note.count; ++r) {
    for (int f = 0; f < features; ++f) {
      rows[0][r][f] = note.rows.view()[r][static_cast<std::size_t>(f)];
    }
  }
  return rows;
}

}  // namespace

TEST_CASE("the engine plays an exported note generator as the module does") {
  const NoteGeneratorModule module = lively_module();
  std::vector<std::byte> bytes;
  const VoiceFile voice = voice_of(module, &bytes);
  const HarmonicNoisePlan plan = compile_note_generator(voice);
  const Note note;
  const torch::NoGradGuard no_grad;
  NoteGeneratorModule playing = module;
  const torch::Tensor expected = playing->forward(rows_tensor(note), synth_input(note))[0];

  LaneRunnerOptions options;
  options.max_block_samples = kSamples;
  const auto runner = make_cpu_harmonic_noise_runner(plan, options);
  runner->start(0);
  std::vector<float> out(kSamples);
  StepLane lane;
  lane.seed = kSeed;
  lane.identity = kIdentity;
  lane.rows = note.rows.view().subview(0, note.count);
  lane.row_starts = note.starts;
  lane.sample_features = note.features.view();
  lane.output = out;
  runner->process({&lane, 1}, kSamples);
  // Phases of partial 24 differ by float roundings of 24 turns (3e-6), amplitudes sum to about 10.
  const torch::Tensor played = torch::from_blob(out.data(), {kSamples});
  CHECK((played - expected).abs().max().item<float>() < 1e-4F);
  CHECK(expected.abs().max().item<float>() > 0.1F);
}

TEST_CASE("gradients of amplitudes and taps are the slopes of the synthesizer") {
  const Note note;
  NoteSynthInput input = synth_input(note);
  NoteGeneratorModule module = lively_module();
  NoteGeneratorModuleImpl::Controls c = module->controls(rows_tensor(note));
  input.turns = module->turns(rows_tensor(note)).contiguous();
  for (const bool fresh : {true, false}) {
    input.starts_fresh = torch::full({1}, fresh ? 1 : 0, torch::kInt);
    torch::Tensor amplitudes = c.amplitudes.detach().clone().requires_grad_();
    torch::Tensor taps = c.taps.detach().clone().requires_grad_();
    torch::manual_seed(9);
    const torch::Tensor weights = torch::randn({1, kSamples});
    (synthesize_note(amplitudes, taps, input) * weights).sum().backward();
    // The synthesizer is linear in both, so a whole step measures the slope: the figures differ by
    // float roundings of sums over 1500 samples.
    const auto slope = [&](const torch::Tensor& da, const torch::Tensor& dt) {
      const torch::NoGradGuard no_grad;
      const torch::Tensor base = synthesize_note(amplitudes, taps, input);
      const torch::Tensor moved = synthesize_note(amplitudes + da, taps + dt, input);
      return ((moved - base) * weights).sum().item<double>();
    };
    const torch::Tensor da = torch::rand_like(amplitudes);
    const torch::Tensor dt = torch::rand_like(taps);
    const torch::Tensor none = torch::zeros_like(amplitudes);
    const torch::Tensor no_taps = torch::zeros_like(taps);
    CHECK(slope(da, no_taps) ==
          Approx((amplitudes.grad() * da).sum().item<double>()).epsilon(1e-3).margin(1e-2));
    CHECK(slope(none, dt) ==
          Approx((taps.grad() * dt).sum().item<double>()).epsilon(1e-3).margin(1e-2));
  }
}

TEST_CASE("a note generator without the phase, or with a tensor too many, is refused by name") {
  const NoteGeneratorModule module = lively_module();
  std::vector<std::byte> bytes;
  VoiceFile voice = voice_of(module, &bytes);
  nlohmann::json description = *voice.description;
  description["features"]["phase"] = false;
  voice.description = std::make_shared<const nlohmann::json>(description);
  check_contains(message_of(ErrorCode::bad_input, [&] { compile_note_generator(voice); }),
                 {"test.safetensors", "phase"});
  voice = voice_of(module, &bytes);
  voice.weights.tensors["extra"] = voice.weights.tensors.begin()->second;
  check_contains(message_of(ErrorCode::bad_input, [&] { compile_note_generator(voice); }),
                 {"extra"});
  voice = voice_of(module, &bytes);
  voice.weights.tensors.erase("detune.0.weight");
  check_contains(message_of(ErrorCode::bad_input, [&] { compile_note_generator(voice); }),
                 {"detune.0.weight"});
}

}  // namespace ondes
