// The LibTorch generator against the block plan of its exported weights.
#include <catch2/catch.hpp>

#include "models/hifigan/hifigan.h"
#include "models/hifigan/hifigan_torch.h"
#include "tests/support/hifigan_rig.h"
#include "tests/support/largest_difference.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

HifiganModule random_module(const HifiganConfig& config) {
  torch::manual_seed(3);
  HifiganModule module(config);
  const torch::NoGradGuard no_grad;
  for (torch::Tensor& p : module->parameters()) {
    p.mul_(1.0 + 0.2 * torch::rand_like(p));  // a norm's gain away from the norm
    p.add_(0.02 * torch::randn_like(p));
  }
  return module;
}

// (1, 1, samples) of a (frames, bands) mel.
torch::Tensor run_module(HifiganModule& module, std::vector<float>& mel, int bands, int speaker) {
  const torch::NoGradGuard no_grad;
  const auto frames = static_cast<std::int64_t>(mel.size()) / bands;
  const torch::Tensor x = torch::from_blob(mel.data(), {1, frames, bands}).transpose(1, 2);
  return module->forward(x, torch::full({1}, speaker, torch::kLong)).contiguous();
}

}  // namespace

TEST_CASE("an exported generator agrees with its module") {
  constexpr int kFrames = 23;
  for (const auto& [name, config] : small_hifigans()) {
    INFO(name);
    HifiganModule module = random_module(config);
    const auto bytes = write_safetensors({}, module->export_tensors());
    const SafetensorsFile file = parse_safetensors(bytes, "exported");
    const int speaker = config.speakers == 0 ? 0 : config.speakers - 1;
    std::vector<float> mel = random_mel(kFrames, config.mel_bands, 9);
    const torch::Tensor expected = run_module(module, mel, config.mel_bands, speaker);
    const ConstFrames view(mel.data(), kFrames, config.mel_bands);
    const auto samples =
        evaluate_block_plan(compile_hifigan(config, file, 22050, speaker), {&view, 1});
    REQUIRE(samples.size() == static_cast<std::size_t>(expected.numel()));
    const std::span<const float> made(expected.data_ptr<float>(), samples.size());
    const double worst = largest_difference(samples, made);
    INFO("largest difference " << worst << " of " << peak_of(made));
    // The figure the project promises; sums in another order explain about 1e-6.
    CHECK(worst < 1e-4F);
    CHECK(peak_of(made) > 0.01F);

    HifiganModule other(config);
    other->load_tensors(file);
    const torch::Tensor again = run_module(other, mel, config.mel_bands, speaker);
    // Folding and normalizing once more rounds twice.
    CHECK((again - expected).abs().max().item<float>() < 1e-5F);
  }
}

TEST_CASE("every parameter of every variant gets a gradient") {
  for (const auto& [name, config] : small_hifigans()) {
    INFO(name);
    HifiganModule module = random_module(config);
    const torch::Tensor mel = torch::randn({2, config.mel_bands, 12});
    const torch::Tensor samples = module->forward(mel, torch::arange(2));
    CHECK(samples.sizes() == torch::IntArrayRef({2, 1, 12 * config.hop_samples()}));
    samples.square().mean().backward();
    for (const auto& parameter : module->named_parameters()) {
      INFO(parameter.key());
      REQUIRE(parameter.value().grad().defined());
      CHECK(parameter.value().grad().abs().max().item<float>() > 0.0F);
    }
  }
}

TEST_CASE("parameters while training have the published names") {
  const auto all = small_hifigans();
  HifiganModule module(all[0].second);
  const auto parameters = module->named_parameters();
  for (const char* name : {"conv_pre.weight_g", "ups.0.weight_v", "resblocks.11.convs2.2.weight_g",
                           "resblocks.0.convs1.0.bias", "conv_post.weight_v"}) {
    INFO(name);
    CHECK(parameters.contains(name));
  }
  CHECK(parameters["conv_pre.weight_g"].sizes() == torch::IntArrayRef({32, 1, 1}));
  for (const auto& [name, config] : all) {
    INFO(name);
    const auto exported = HifiganModule(config)->export_tensors();
    const auto shapes = hifigan_tensor_shapes(config);
    CHECK(exported.size() == shapes.size());
    for (const auto& [tensor, shape] : shapes) {
      INFO(tensor);
      REQUIRE(exported.contains(tensor));
      CHECK(exported.at(tensor).shape == shape);
    }
  }
}

TEST_CASE("loading names what is missing") {
  const auto [name, config] = small_hifigans()[2];
  HifiganModule module(config);
  auto tensors = module->export_tensors();
  tensors.erase("resblocks.2.convs.1.weight");
  const auto bytes = write_safetensors({}, tensors);
  check_contains(message_of(ErrorCode::bad_input,
                            [&] { module->load_tensors(parse_safetensors(bytes, "fewer.st")); }),
                 {"fewer.st", "resblocks.2.convs.1.weight"});
}
