// Calibration of generators in voice files: what is stored is what 8 bits run with.
#include <catch2/catch.hpp>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/weights/mel_contract_json.h"
#include "models/block_calibration.h"
#include "tests/support/hifigan_rig.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

constexpr int kFrames = 20;

using Tensors = std::map<std::string, TensorData>;

HifiganConfig small_config() {
  HifiganConfig config = small_hifigans().at(2).second;  // V3's shapes
  config.upsample_initial_channel = 64;                  // enough for 8 bits to be used
  return config;
}

// A generator, and its file with the ranges of a mel.
struct CalibratedRig {
  CalibratedRig() {
    plan.ranges = calibrated_ranges(plan, std::vector<std::vector<ConstFrames>>{{view()}});
    tensors = random_hifigan_tensors(config, 3);
    const Tensors calibration = block_calibration_tensors(plan, plan.ranges);
    tensors.insert(calibration.begin(), calibration.end());
  }
  ConstFrames view() const { return {mel.data(), kFrames, config.mel_bands}; }
  BlockPlan compiled(const Tensors& all) const {
    const auto bytes = std::make_shared<const std::vector<std::byte>>(write_safetensors({}, all));
    SafetensorsFile file = parse_safetensors(*bytes, "g");
    file.storage = bytes;
    return compile_hifigan(config, file, 8000);
  }
  std::string refusal(const Tensors& all) const {
    return message_of(ErrorCode::bad_input, [&] { static_cast<void>(compiled(all)); });
  }

  HifiganConfig config = small_config();
  BlockPlan plan = random_hifigan(config, 3);
  std::vector<float> mel = random_mel(kFrames, config.mel_bands, 8);
  Tensors tensors;
};

}  // namespace

TEST_CASE("a file's ranges are those that were measured, value by value") {
  const CalibratedRig rig;
  const BlockPlan read = rig.compiled(rig.tensors);
  REQUIRE(read.ranges.size() == rig.plan.ranges.size());
  for (std::size_t i = 0; i < read.ranges.size(); ++i) {
    CHECK(read.ranges[i].low == rig.plan.ranges[i].low);
    CHECK(read.ranges[i].high == rig.plan.ranges[i].high);
  }
  CHECK(rig.compiled(random_hifigan_tensors(rig.config, 3)).ranges.empty());
}

TEST_CASE("every small generator's signals have names of their own") {
  for (const auto& [name, config] : small_hifigans()) {
    INFO(name);
    const BlockPlan plan = random_hifigan(config, 1);
    std::size_t channels = 0;
    for (const BlockValue& value : plan.values) {
      channels += static_cast<std::size_t>(value.channels);
    }
    const std::vector<BlockRange> ranges(channels, {-1.0F, 1.0F});
    CHECK(block_calibration_tensors(plan, ranges).size() == plan.values.size());
  }
}

TEST_CASE("8 bits with a file's ranges give the same samples for any blocks and threads") {
  const CalibratedRig rig;
  const BlockPlan plan = rig.compiled(rig.tensors);
  const auto runner = make_cpu_block_runner(plan, {Precision::i8, 1, kFrames, 1});
  const std::vector<int> whole{kFrames};
  const std::vector<float> expected = run_blocks(*runner, rig.view(), whole);
  CHECK(peak_of(expected) > 0.01F);
  const auto exact = make_cpu_block_runner(plan, {Precision::f32, 1, kFrames, 1});
  CHECK(run_blocks(*exact, rig.view(), whole) != expected);
  for (const std::vector<int>& schedule : {std::vector<int>{1}, {3}, {7, 2}}) {
    CHECK(run_blocks(*runner, rig.view(), schedule) == expected);
  }
  const auto threads = make_cpu_block_runner(plan, {Precision::i8, 1, kFrames, 2});
  CHECK(run_blocks(*threads, rig.view(), whole) == expected);
}

TEST_CASE("a calibration that is incomplete, too large, misshapen or no range is refused by name") {
  const CalibratedRig rig;
  const std::string name = "calibration.ups.0";
  const std::vector<std::int64_t> shape = rig.tensors.at(name).shape;
  const auto with = [&](const std::vector<float>& values, std::vector<std::int64_t> of) {
    Tensors all = rig.tensors;
    all[name] = tensor_from_floats(values, std::move(of));
    return rig.refusal(all);
  };
  Tensors missing = rig.tensors;
  missing.erase(name);
  check_contains(rig.refusal(missing), {"'calibration.ups.0'", "found no such tensor"});
  Tensors extra = rig.tensors;
  extra["calibration.ups.9"] = extra.at(name);
  check_contains(rig.refusal(extra), {"'calibration.ups.9'", "no such signal"});
  check_contains(with({0.0F, 1.0F}, {2, 1}), {"'calibration.ups.0'", "[2, 1]"});

  const auto channels = static_cast<std::size_t>(shape[1]);
  std::vector<float> values(2 * channels, 0.5F);
  values[1] = 0.75F;  // the least of channel 1, above its greatest
  check_contains(with(values, shape), {"'calibration.ups.0'", "channel 1", "0.75"});
  values[1] = std::numeric_limits<float>::quiet_NaN();
  check_contains(with(values, shape), {"'calibration.ups.0'", "NaN"});
}
