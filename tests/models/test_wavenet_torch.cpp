// The LibTorch WaveNet: its hand-written stack against plain operations, and the step plan it
// exports to against itself, layer by layer.
#include <ATen/Parallel.h>
#include <pthread.h>
#include <torch/torch.h>
#include <ucontext.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <thread>

#include "engine/buffer.h"
#include "engine/conditioning/note_conditioner.h"
#include "models/registry.h"
#include "models/training/teacher_forcing.h"
#include "models/wavenet/wavenet_torch.h"
#include "tests/support/small_voice.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

// What stack_plain and stack_fused take, and the gradient that flows into their result.
struct StackInputs {
  std::array<torch::Tensor, 6> differentiable;  // h0, rows, conv, residual, residual_bias, skip
  torch::Tensor row_index;
  torch::Tensor upstream;
  std::vector<int> dilations;
};

struct StackShape {
  int segments, samples, residual, gates, skip, taps;
  std::vector<int> dilations;
};

StackInputs random_inputs(const StackShape& s) {
  torch::manual_seed(static_cast<std::uint64_t>(s.samples));
  const auto layers = static_cast<std::int64_t>(s.dilations.size());
  const int rows = 9;
  StackInputs in;
  in.differentiable = {torch::randn({s.segments, s.samples, s.residual}),
                       torch::randn({s.segments, rows, layers, 2 * s.gates}),
                       torch::randn({layers, s.taps, 2 * s.gates, s.residual}) * 0.4,
                       torch::randn({layers - 1, s.residual, s.gates}) * 0.4,
                       torch::randn({layers - 1, s.residual}) * 0.1,
                       torch::randn({s.skip, layers * s.gates}) * 0.3};
  // Non-decreasing; with gaps, and rows at the end that nothing uses.
  in.row_index =
      std::get<0>(torch::randint(rows - 2, {s.segments, s.samples}).sort(1)).to(torch::kInt);
  in.upstream = torch::randn({s.segments, s.samples, s.skip});
  in.dilations = s.dilations;
  return in;
}

using Stack = torch::Tensor (*)(const StackInputs&, const std::array<torch::Tensor, 6>&);

torch::Tensor plain(const StackInputs& in, const std::array<torch::Tensor, 6>& d) {
  return stack_plain({d[0], d[1], in.row_index, d[2], d[3], d[4], d[5], in.dilations});
}

torch::Tensor fused(const StackInputs& in, const std::array<torch::Tensor, 6>& d) {
  return stack_fused({d[0], d[1], in.row_index, d[2], d[3], d[4], d[5], in.dilations});
}

// The result, then the gradient of every input.
std::vector<torch::Tensor> run(const StackInputs& in, Stack stack, torch::Dtype type) {
  std::array<torch::Tensor, 6> leaves;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    leaves[i] = in.differentiable[i].detach().to(type).clone().requires_grad_();
  }
  const torch::Tensor out = stack(in, leaves);
  out.backward(in.upstream.to(type));
  std::vector<torch::Tensor> results = {out.detach()};
  for (const torch::Tensor& leaf : leaves) {
    results.push_back(leaf.grad());
  }
  return results;
}

constexpr std::array<const char*, 7> kResultNames = {
    "result",           "gradient of h0",       "gradient of rows",
    "gradient of conv", "gradient of residual", "gradient of residual_bias",
    "gradient of skip"};

const std::vector<StackShape>& stack_shapes() {
  // Odd channels; shorter than a tile of 512; exactly one; several and a rest; dilations that reach
  // over a whole tile and beyond the segment.
  static const std::vector<StackShape> shapes = {
      {1, 700, 5, 7, 11, 3, {1, 300, 900}}, {2, 512, 8, 6, 9, 2, {1, 2, 256}},
      {3, 1300, 5, 7, 4, 2, {1, 64, 600}},  {1, 37, 3, 2, 5, 3, {1, 4, 40, 2}},
      {2, 1024, 16, 16, 16, 2, {512, 513}}, {1, 1, 4, 3, 2, 2, {1, 1}}};
  return shapes;
}

std::string text_of(const StackShape& s) {
  return "B " + std::to_string(s.segments) + " T " + std::to_string(s.samples) + " R " +
         std::to_string(s.residual) + " G " + std::to_string(s.gates) + " K " +
         std::to_string(s.taps);
}

}  // namespace

TEST_CASE("the fused stack equals the plain one in values and in every gradient") {
  for (const StackShape& shape : stack_shapes()) {
    INFO(text_of(shape));
    const StackInputs in = random_inputs(shape);
    const auto expected = run(in, plain, torch::kDouble);
    const auto actual = run(in, fused, torch::kFloat);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      INFO(kResultNames[i]);
      REQUIRE(actual[i].sizes() == expected[i].sizes());
      const double scale = expected[i].abs().max().item<double>();
      const double worst = (actual[i] - expected[i]).abs().max().item<double>();
      // Weight gradients sum up to B T = 3900 rounded products of random sign: 6e-8 sqrt(3900) =
      // 4e-6 of their size, carried through up to four layers.
      CHECK(worst <= 2e-5 * scale);
      CHECK(scale > 0.0);
    }
  }
}

TEST_CASE("the fused stack gives the same bits with one thread and with two") {
  const int threads = at::get_num_threads();
  const StackInputs in = random_inputs({3, 1300, 5, 7, 4, 2, {1, 64, 600}});
  at::set_num_threads(1);
  const auto one = run(in, fused, torch::kFloat);
  at::set_num_threads(2);
  const auto two = run(in, fused, torch::kFloat);
  at::set_num_threads(threads);
  for (std::size_t i = 0; i < one.size(); ++i) {
    INFO(kResultNames[i]);
    CHECK(torch::equal(one[i], two[i]));
  }
}

// --- signals -------------------------------------------------------------------------------------

namespace {

// Where the main thread's stack pointer stood when a signal came, judged on an alternate stack, so
// that a stray one is counted instead of doing harm.
struct StackWatch {
  static inline std::uintptr_t low = 0;
  static inline std::uintptr_t high = 0;
  static inline volatile std::sig_atomic_t seen = 0;
  static inline volatile std::sig_atomic_t astray = 0;

  static void look(int, siginfo_t*, void* context) {
    const auto* const c = static_cast<const ucontext_t*>(context);
    const auto pointer = static_cast<std::uintptr_t>(c->uc_mcontext.gregs[REG_RSP]);
    seen = seen + 1;
    astray = astray + (pointer < low || pointer >= high ? 1 : 0);
  }
};

}  // namespace

TEST_CASE("signals find the real stack, although oneDNN's kernels move the stack pointer") {
  pthread_attr_t attributes;
  REQUIRE(pthread_getattr_np(pthread_self(), &attributes) == 0);
  void* bottom = nullptr;
  std::size_t bytes = 0;
  pthread_attr_getstack(&attributes, &bottom, &bytes);
  pthread_attr_destroy(&attributes);
  StackWatch::low = reinterpret_cast<std::uintptr_t>(bottom);
  StackWatch::high = StackWatch::low + bytes;

  std::vector<char> alternate(1 << 16);
  stack_t other{};
  other.ss_sp = alternate.data();
  other.ss_size = alternate.size();
  stack_t before{};
  sigaltstack(&other, &before);
  struct sigaction action {};
  struct sigaction old {};
  action.sa_sigaction = StackWatch::look;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigaction(SIGALRM, &action, &old);
  std::atomic<bool> done{false};
  // Sent to this thread by name: a signal to the process might go to an idle worker.
  std::thread sender([&done, watched = pthread_self()] {
    while (!done) {
      pthread_kill(watched, SIGALRM);
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  const int threads = at::get_num_threads();
  at::set_num_threads(1);  // all work on the thread that is watched
  const StackInputs in = random_inputs({2, 1536, 48, 48, 96, 2, {1, 2, 4, 8, 16}});
  for (int i = 0; i < 200 && StackWatch::seen < 40; ++i) {
    run(in, fused, torch::kFloat);
  }
  at::set_num_threads(threads);
  done = true;
  sender.join();
  sigaction(SIGALRM, &old, nullptr);
  sigaltstack(&before, nullptr);
  CHECK(StackWatch::seen >= 40);  // they wait, but they arrive
  CHECK(StackWatch::astray == 0);
}

// --- the step plan -------------------------------------------------------------------------------

namespace {

// A note's conditioning as a lane makes it, over a waveform that the network is forced to follow.
WavenetBatch note_batch(const NoteContract& contract, float pitch, int samples, int release) {
  const std::int64_t t = samples;
  const int max_rows = samples / contract.hop_samples + 3;
  WavenetBatch batch = {torch::zeros({1, t}),
                        torch::zeros({1, t}),
                        torch::zeros({1, t, contract.sample_features()}),
                        torch::zeros({1, max_rows, contract.row_features()}),
                        torch::zeros({1, t}, torch::kInt),
                        torch::ones({1, t})};
  std::vector<float> weights(contract.instruments.size(), 0.0F);
  weights.back() = 1.0F;
  NoteConditioner conditioner(contract);
  conditioner.start(pitch, 0.7F, weights);
  int row = -1;
  int* index = batch.row_index.data_ptr<int>();
  const auto advance = [&](int from, int count) {
    std::vector<int> starts(static_cast<std::size_t>(max_rows));
    const int first = row + 1;
    const int made = conditioner.process(
        count,
        Frames(batch.rows.data_ptr<float>() +
                   static_cast<std::ptrdiff_t>(first) * contract.row_features(),
               max_rows - first, contract.row_features()),
        starts,
        Frames(batch.sample_features.data_ptr<float>() +
                   static_cast<std::ptrdiff_t>(from) * contract.sample_features(),
               count, contract.sample_features()));
    for (int n = 0; n < count; ++n) {
      if (row + 1 < first + made && starts[static_cast<std::size_t>(row + 1 - first)] == n) {
        ++row;
      }
      index[from + n] = row;
    }
  };
  advance(0, release);
  conditioner.release();
  advance(release, samples - release);
  const double cycles = static_cast<double>(semitones_to_hz(pitch)) / contract.sample_rate_hz;
  float* target = batch.target.data_ptr<float>();
  for (int n = 0; n < samples; ++n) {
    const double turn = 2.0 * M_PI * cycles * n;
    target[n] = static_cast<float>(0.3 * std::sin(turn) + 0.1 * std::sin(3.0 * turn + 1.0));
  }
  batch.previous.slice(1, 1, t).copy_(batch.target.slice(1, 0, t - 1));
  return batch;
}

// Teacher-forces plan and module over the same note and compares h_l, z_l and outputs. 1e-4 is the
// figure that the project promises; single precision alone explains about 1e-6 a layer.
void check_layers(const StepPlan& plan, WavenetModuleImpl& module, const WavenetBatch& batch) {
  const torch::NoGradGuard no_grad;
  const int samples = static_cast<int>(batch.target.size(1));
  const int layers = plan.layer_count();
  const int r = plan.residual_channels;
  const int g = plan.gate_channels;
  Buffer values(samples, layers * (r + g) + plan.output.outputs);
  StepProbe probe;
  probe.values = values.view();
  StepRunnerOptions options;
  options.max_lanes = 1;
  const auto runner = make_cpu_step_runner(plan, options);
  const ForcedNote forced = run_forced(runner.get(), batch, &probe);
  REQUIRE(probe.next_frame == samples);
  const auto probed = torch::from_blob(values.view().data(),
                                       {samples, static_cast<std::int64_t>(values.channels())});
  const auto hidden = module.hidden_layers(batch);
  const auto compare = [&](const std::string& what, int first, int count, torch::Tensor expected) {
    const torch::Tensor actual = probed.slice(1, first, first + count);
    const double worst = (actual - expected[0]).abs().max().item<double>();
    INFO(what << " differs by " << worst);
    CHECK(worst <= 1e-4);
    CHECK(expected.abs().max().item<double>() > 1e-3);  // not two silences
  };
  for (int l = 0; l < layers; ++l) {
    const auto k = static_cast<std::size_t>(2 * l);
    compare("h_" + std::to_string(l), l * r, r, hidden[k]);
    compare("z_" + std::to_string(l), layers * r + l * g, g, hidden[k + 1]);
  }
  compare("the outputs", layers * (r + g), plan.output.outputs, module.forward(batch));
  if (plan.distribution != Distribution::mu_law_categorical) {
    // The density over a bin's width here, differences of the cumulative function there. (Of
    // classes the module counts the class, the plan its share of the 65536 bins.)
    CHECK(forced.log_likelihood == Approx(-module.loss(batch).item<double>()).margin(1e-3));
  }
}

WavenetModule random_module(const WavenetConfig& config, const NoteContract& contract) {
  torch::manual_seed(3);
  WavenetModule module(config, contract.row_features(), contract.sample_features());
  const torch::NoGradGuard no_grad;
  for (torch::Tensor& p : module->parameters()) {
    p.add_(0.05 * torch::randn_like(p));  // biases start at zero, which would hide a missing one
  }
  return module;
}

WavenetConfig odd_config() {
  WavenetConfig config = small_config();
  config.residual_channels = 5;
  config.gate_channels = 7;
  config.taps = 3;
  config.dilations = {1, 3, 9, 27};
  config.level_channels.clear();
  config.has_level = false;
  return config;
}

}  // namespace

TEST_CASE("an exported network agrees with its module in every hidden layer") {
  const NoteContract contract = small_contract();
  WavenetConfig embedded = odd_config();
  embedded.taps = 2;
  embedded.input = InputKind::embedding;
  embedded.distribution = Distribution::mu_law_categorical;
  embedded.classes = 64;
  WavenetConfig gaussian = odd_config();
  gaussian.distribution = Distribution::gaussian;
  gaussian.encoder_channels.clear();
  for (const WavenetConfig& config : {odd_config(), gaussian, embedded}) {
    INFO(wavenet_config_to_json(config).dump());
    WavenetModule module = random_module(config, contract);
    const std::vector<std::byte> bytes =
        write_voice(small_description(config, contract), module->export_tensors());
    const VoiceFile voice = parse_voice(bytes, "exported");
    const StepPlan plan = compile_step_plan(voice);
    // Longer than a block of the runner and than the receptive field; the release is off the grid.
    check_layers(plan, *module, note_batch(contract, 61.3F, 600, 333));
  }
}

TEST_CASE("loading undoes exporting, and names what is missing") {
  const NoteContract contract = small_contract();
  const WavenetConfig config = odd_config();
  WavenetModule module = random_module(config, contract);
  auto tensors = module->export_tensors();
  const auto bytes = write_safetensors({}, tensors);
  WavenetModule other(config, contract.row_features(), contract.sample_features());
  other->load_tensors(parse_safetensors(bytes, "exported"));
  const auto expected = module->named_parameters();
  for (const auto& parameter : other->named_parameters()) {
    INFO(parameter.key());
    CHECK(torch::equal(parameter.value(), expected[parameter.key()]));
  }
  tensors.erase("layers.2.skip.weight");
  const auto fewer = write_safetensors({}, tensors);
  const std::string message = message_of(
      ErrorCode::bad_input, [&] { other->load_tensors(parse_safetensors(fewer, "fewer.st")); });
  check_contains(message, {"fewer.st", "layers.2.skip.weight"});
}

TEST_CASE("the shipped voice agrees with its module in every hidden layer") {
  const auto path = std::filesystem::path(ONDES_SOURCE_DIR) / "samples/voices/chamber.safetensors";
  if (!std::filesystem::exists(path)) {
    WARN("SKIPPED: no " << path.filename().string() << " in samples/voices");
    return;
  }
  const VoiceFile voice = open_voice(path.string());
  const StepPlan plan = compile_step_plan(voice);
  const NoteContract contract =
      note_contract_from_json(voice.description->at("features"), voice.name);
  WavenetModule module(wavenet_config_from_json(voice.description->at("config"), voice.name),
                       contract.row_features(), contract.sample_features());
  module->load_tensors(voice.weights);
  check_layers(plan, *module, note_batch(contract, 64.0F, 1500, 1100));
}

TEST_CASE("a batch in which nothing counts has no loss and no gradient") {
  const NoteContract contract = small_contract();
  WavenetModule module = random_module(odd_config(), contract);
  WavenetBatch batch = note_batch(contract, 60.0F, 64, 40);
  batch.mask.zero_();
  const torch::Tensor loss = module->loss(batch);
  CHECK(loss.item<double>() == 0.0);
  loss.backward();
  CHECK(module->conv.grad().abs().max().item<double>() == 0.0);
}
