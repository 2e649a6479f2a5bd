// ondes-bench-torch RESIDUAL: how many samples a second the cached LibTorch evaluation of a
// benchmark network draws, on one thread, as JSON on stdout. `ondes bench wavenet` runs it when it
// lies beside it. Checks its logits against the reference runner first.
//
// ondes-bench-torch gan WEIGHTS CLIP THREADS wall|cpu: the same for `ondes bench gan`, LibTorch's module
// of a HiFi-GAN generator. WEIGHTS: safetensors with the configuration as JSON under the metadata
// key `config`. CLIP: safetensors with `mel` (1, M, T) and `samples` (1, 1, T hop), what Ondes makes
// of it. Says by how much its own samples differ, then, for every line on stdin, runs the clip and
// says how many seconds that took.
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "apps/bench_common.h"
#include "apps/bench_shapes.h"
#include "engine/buffer.h"
#include "engine/cpu/reference_step_runner.h"
#include "engine/error.h"
#include "engine/weights/safetensors.h"
#include "models/hifigan/hifigan_config.h"
#include "models/hifigan/hifigan_torch.h"
#include "models/wavenet/cached_steps_torch.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kChecked = 24;

// Largest difference of a logit when both are told the same samples.
float largest_difference(const ondes::StepPlan& plan) {
  const ondes::OutputSampler sampler(plan);
  ondes::ReferenceStepRunner judge(plan, {ondes::Precision::f32, 1, kChecked, 1});
  const int hidden = plan.layer_count() * (plan.residual_channels + plan.gate_channels);
  ondes::Buffer probed(kChecked, hidden + plan.output.outputs);
  ondes::StepProbe probe{0, probed.view(), 0};
  judge.set_probe(&probe);
  std::vector<float> teacher;
  for (int t = 0; t < kChecked; ++t) {
    teacher.push_back(0.5F * std::sin(0.3F * static_cast<float>(t)));
  }
  std::vector<float> output(kChecked);
  const int start = 0;
  const float nothing = 0.0F;
  ondes::StepLane lane;
  lane.rows = ondes::ConstFrames(&nothing, 1, 0);
  lane.row_starts = {&start, 1};
  lane.sample_features = ondes::ConstFrames(&nothing, kChecked, 0);
  lane.output = output;
  lane.teacher = teacher;
  judge.process({&lane, 1}, kChecked);

  ondes::CachedTorchSteps steps(plan);
  float largest = 0.0F;
  float previous = 0.0F;
  for (int t = 0; t < kChecked; ++t) {
    const torch::Tensor logits = steps.step(sampler.class_of(previous));
    for (int o = 0; o < plan.output.outputs; ++o) {
      const float expected = probed.view()[t][static_cast<std::size_t>(hidden + o)];
      largest = std::max(largest, std::fabs(logits[0][o].item<float>() - expected));
    }
    previous = teacher[static_cast<std::size_t>(t)];
  }
  return largest;
}

int run(int residual) {
  at::set_num_threads(1);
  const ondes::BenchShape shape = ondes::bench_shape(residual);
  const ondes::StepPlan plan = ondes::bench_plan(shape);
  const float difference = largest_difference(plan);
  // Sums of up to 1280 products of order 1 in another order.
  if (!(difference < 1e-4F)) {
    throw ondes::Error(
        ondes::ErrorCode::threshold,
        "LibTorch's logits differ from the reference by " + std::to_string(difference));
  }
  ondes::CachedTorchSteps steps(plan);
  std::int64_t previous = 128;
  double best = 0.0;
  constexpr int kBlock = 32;
  const auto start = Clock::now();
  while (Clock::now() - start < std::chrono::seconds(2)) {
    const auto before = Clock::now();
    for (int t = 0; t < kBlock; ++t) {
      const torch::InferenceMode inference;
      previous =
          torch::multinomial(torch::softmax(steps.step(previous), 1), 1).item<std::int64_t>();
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - before).count();
    best = std::max(best, kBlock / seconds);
  }
  std::printf(
      "{\"residual\": %d, \"skip\": %d, \"samples_per_second\": %.1f, "
      "\"largest_difference\": %.2g}\n",
      shape.residual, shape.skip, best, static_cast<double>(difference));
  return 0;
}

torch::Tensor tensor_of(const ondes::SafetensorsFile& file, const std::string& name) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end()) {
    throw ondes::Error(ondes::ErrorCode::bad_input, file.name + ": expected a tensor " + name);
  }
  const std::vector<std::int64_t>& shape = found->second.shape;
  const std::span<const float> values = ondes::require_f32(file, name, shape);
  // from_blob asks for a writable pointer; the copy made of it only reads.
  return torch::from_blob(const_cast<float*>(values.data()), shape).clone();
}

int run_gan(const char* weights_path, const char* clip_path, int threads, bool cpu_time) {
  at::set_num_threads(threads);
  const torch::InferenceMode inference;
  const ondes::SafetensorsFile weights = ondes::open_safetensors(weights_path);
  const ondes::SafetensorsFile clip = ondes::open_safetensors(clip_path);
  const auto config = weights.metadata.find("config");
  if (config == weights.metadata.end()) {
    throw ondes::Error(ondes::ErrorCode::bad_input, weights.name + ": expected metadata `config`");
  }
  // Weight norm folded, as one would deploy it.
  ondes::HifiganModule module(
      ondes::hifigan_config_from_json(nlohmann::json::parse(config->second), weights.name), false);
  module->load_tensors(weights);
  module->eval();
  const torch::Tensor mel = tensor_of(clip, "mel");
  const torch::Tensor expected = tensor_of(clip, "samples");
  const torch::Tensor made = module->forward(mel);
  if (made.sizes() != expected.sizes()) {
    throw ondes::Error(ondes::ErrorCode::threshold, "LibTorch gives a clip of another length");
  }
  std::printf("{\"name\": \"LibTorch %s\", \"largest_difference\": %.3g}\n", TORCH_VERSION,
              (made - expected).abs().max().item<double>());
  std::fflush(stdout);
  for (int c = std::getchar(); c != EOF; c = std::getchar()) {
    if (c != '\n') {
      continue;
    }
    const double before = ondes::bench_seconds(cpu_time);
    module->forward(mel);
    std::printf("{\"seconds\": %.6f}\n", ondes::bench_seconds(cpu_time) - before);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 6 && std::strcmp(argv[1], "gan") == 0) {
    try {
      return run_gan(argv[2], argv[3], std::atoi(argv[4]), std::strcmp(argv[5], "cpu") == 0);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "ondes-bench-torch: %s\n", error.what());
      return 1;
    }
  }
  const int residual = argc == 2 ? std::atoi(argv[1]) : 0;
  if (residual < 1 || residual > 1024) {
    std::fprintf(stderr,
                 "usage: ondes-bench-torch RESIDUAL (32, 64 or 128) | gan WEIGHTS CLIP THREADS "
                 "wall|cpu\n");
    return 2;
  }
  try {
    return run(residual);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ondes-bench-torch: %s\n", error.what());
    return 1;
  }
}
