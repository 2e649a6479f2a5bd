// HiFi-GAN generators compiled to block plans: the judge's samples, bad weights.
#include <catch2/catch.hpp>

#include "models/hifigan/alias_free_filter.h"
#include "models/hifigan/hifigan.h"
#include "tests/support/hifigan_reference.h"
#include "tests/support/hifigan_rig.h"
#include "tests/support/largest_difference.h"
#include "tests/support/npy_values.h"
#include "tests/support/test_data.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

std::string compile_error(const HifiganConfig& config,
                          const std::map<std::string, TensorData>& tensors) {
  const auto bytes = write_safetensors({}, tensors);
  return message_of(ErrorCode::bad_input, [&] {
    compile_hifigan(config, parse_safetensors(bytes, "weights.st"), 22050);
  });
}

}  // namespace

TEST_CASE("the judge gives the trained V3 generator's reference audio") {
  const auto data = test_data();
  if (!data) {
    WARN("SKIPPED: no test data");
    return;
  }
  const auto folder = *data / "hifigan_v3_ljspeech";
  const BlockPlan plan = reference_plan(folder);
  // Enough for a first word; frames near the cut see zeros where the clip goes on, so they are
  // compared no more (the network reaches 13 frames far).
  constexpr int kFrames = 48;
  constexpr int kCompared = kFrames - 14;
  const std::vector<float> mel = reference_mel(folder / "LJ050-0029.mel.npy");
  const std::vector<float> expected = read_npy_floats(folder / "LJ050-0029.audio.npy").values;
  const ConstFrames view(mel.data(), kFrames, kReferenceBands);
  const std::vector<float> samples = evaluate_block_plan(plan, {&view, 1});
  REQUIRE(samples.size() == kFrames * 256);
  // The figure the project promises; single precision alone gives 4e-6.
  constexpr std::size_t kSamples = kCompared * 256;
  CHECK(largest_difference(std::span(samples).first(kSamples),
                           std::span(expected).first(kSamples)) < 1e-4F);
  CHECK(peak_of(std::span(expected).first(kSamples)) > 0.05F);
}

TEST_CASE("missing, extra and misshapen tensors are one error that names the tensor") {
  for (const auto& [name, config] : small_hifigans()) {
    INFO(name);
    const auto tensors = random_hifigan_tensors(config, 7);
    for (const auto& [tensor, data] : tensors) {
      auto fewer = tensors;
      fewer.erase(tensor);
      check_contains(compile_error(config, fewer), {"weights.st", tensor});
      auto other = tensors;
      std::vector<std::int64_t> shape = data.shape;
      shape.back() += 1;
      std::size_t count = 1;
      for (const std::int64_t size : shape) {
        count *= static_cast<std::size_t>(size);
      }
      other[tensor] = tensor_from_floats(std::vector<float>(count, 0.5F), shape);
      check_contains(compile_error(config, other), {"weights.st", tensor});
    }
    auto more = tensors;
    more["resblocks.99.convs1.0.weight"] = tensor_from_floats(std::vector<float>{1.0F}, {1});
    check_contains(compile_error(config, more), {"weights.st", "resblocks.99.convs1.0.weight"});
  }
}

TEST_CASE("filters that a checkpoint carries are accepted if they are the ones computed") {
  HifiganConfig config;
  for (const auto& [name, small] : small_hifigans()) {
    if (name == "BigVGAN") {
      config = small;
    }
  }
  // What PyTorch makes of the published formula (cutoff 0.25, half width 0.3, 12 taps).
  const std::vector<float> expected{0.00202896469F, 0.00938946567F, -0.0255434588F, -0.0576573834F,
                                    0.128572583F,   0.443209797F,   0.443209797F,   0.128572583F,
                                    -0.0576573834F, -0.0255434588F, 0.00938946567F, 0.00202896469F};
  // Both are rounded to single precision, PyTorch's from single precision sums.
  CHECK(largest_difference(expected, alias_free_filter()) < 1e-7F);
  auto tensors = random_hifigan_tensors(config, 7);
  const std::string name = "resblocks.0.activations.0.upsample.filter";
  tensors[name] = tensor_from_floats(expected, {1, 1, 12});
  const auto bytes = write_safetensors({}, tensors);
  CHECK_NOTHROW(compile_hifigan(config, parse_safetensors(bytes, "filters.st"), 22050));
  tensors[name] = tensor_from_floats(std::vector<float>(12, 0.1F), {1, 1, 12});
  check_contains(compile_error(config, tensors), {"weights.st", name, "0.1"});
}

TEST_CASE("a speaker is chosen when the plan is made, and one that is not there is refused") {
  HifiganConfig config;
  for (const auto& [name, small] : small_hifigans()) {
    if (name == "speakers") {
      config = small;
    }
  }
  const auto bytes = write_safetensors({}, random_hifigan_tensors(config, 7));
  const SafetensorsFile file = parse_safetensors(bytes, "speakers.st");
  const std::vector<float> mel = random_mel(5, config.mel_bands, 4);
  const ConstFrames view(mel.data(), 5, config.mel_bands);
  const auto first = evaluate_block_plan(compile_hifigan(config, file, 22050, 0), {&view, 1});
  const auto last = evaluate_block_plan(compile_hifigan(config, file, 22050, 2), {&view, 1});
  CHECK(largest_difference(first, last) > 1e-3F);
  for (const int speaker : {-1, 3}) {
    check_contains(
        message_of(ErrorCode::usage, [&] { compile_hifigan(config, file, 22050, speaker); }),
        {"speakers.st", "0 to 2", std::to_string(speaker)});
  }
}
