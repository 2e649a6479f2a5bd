// The step kernel across the chip, run by the emulator behind the runner that drives a GPU, against
// the CPU engine's plain loops: whatever the order in which blocks move and words become visible.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "cuda/step/persistent_planner.h"
#include "tests/cuda/emulated_chip_device.h"
#include "tests/cuda/step_kernel_rig.h"

namespace ondes {
namespace {

// The rig's shapes, as they meet every branch here.
std::vector<StepShape> chip_shapes() {
  std::vector<StepShape> all = shapes();
  StepShape& odd = all[0];
  odd.name += "; two head blocks";
  odd.skip = 43;
  odd.head = 37;
  StepShape& gaussian = all[1];
  gaussian.name = "R = G = 64, 2 taps, Gaussian, no sample features";
  gaussian.residual = gaussian.gate = 64;
  gaussian.skip = 96;
  gaussian.dilations = {1, 2, 4};
  StepShape& classes = all[2];
  classes.name += "; skip in several chunks, a large last product";
  classes.gate = 70;
  classes.head = 60;
  classes.dilations = {1, 5, 16, 2, 1, 3};
  classes.choices = 256;
  StepShape one_tap;
  one_tap.name = "one tap, one head block";
  one_tap.residual = 9;
  one_tap.skip = 20;
  one_tap.taps = 1;
  one_tap.dilations = {1, 1, 1, 1};
  all[3] = one_tap;
  return all;
}

constexpr int kSamples = 70;  // two rows of the rig and a bit; rings of up to 16 wrap four times

// A device just large enough for the kernel: as little shared memory as it takes, so that stages and
// head blocks are many.
gpu::EmulatedDevice small_chip(const StepPlan& plan, Precision precision, int lanes) {
  const gpu::PackedStepModel model = gpu::pack_step_model(plan, precision);
  gpu::EmulatedDevice device;
  device.limits.multiprocessors = 40;
  device.limits.cooperative = true;
  for (std::size_t bytes = 256; bytes < 227 * 1024; bytes += 256) {
    device.limits.shared_bytes_per_block = bytes;
    if (gpu::plan_persistent_launch(model, precision, lanes, device.limits)) {
      return device;
    }
  }
  FAIL("no device is small enough");
  return device;
}

struct Run {
  std::vector<RigResult> results;
  gpu::EmulatedChipReport report;
  std::string description;
};

Run run_on_chip(const StepPlan& plan,
                const StepRunnerOptions& options,
                const gpu::EmulatedDevice& device,
                const gpu::EmulatedChipConfig& chip,
                const std::vector<RigLane>& lanes,
                int block,
                bool interleave = false) {
  Run run;
  const auto runner = gpu::make_device_step_runner(
      std::make_unique<gpu::EmulatedChipDevice>(device, chip, &run.report), plan, options);
  run.description = runner->description();
  run.results = RunnerRig(plan).run(*runner, lanes, kSamples, block, interleave);
  return run;
}

void check_sound(const gpu::EmulatedChipReport& report) {
  CHECK(report.launches > 0);
  CHECK_FALSE(report.lost);
  CHECK_FALSE(report.stuck);
}

std::vector<RigResult> expected_of(const StepPlan& plan,
                                   const StepRunnerOptions& options,
                                   const std::vector<RigLane>& lanes) {
  const auto judge = make_cpu_step_runner_for(Isa::scalar, plan, options);
  return RunnerRig(plan).run(*judge, lanes, kSamples, 64);
}

TEST_CASE("across the chip i8 and i16 give the CPU's bytes whatever order blocks move in") {
  int last_alone = 0;
  int last_shared = 0;
  for (const StepShape& shape : chip_shapes()) {
    const StepPlan plan = random_step_plan(shape, 5);
    for (const Precision precision : {Precision::i8, Precision::i16}) {
      StepRunnerOptions options;
      options.precision = precision;
      options.max_lanes = 3;
      const gpu::EmulatedDevice device = small_chip(plan, precision, 3);
      const auto expected = expected_of(plan, options, lanes_of(3));
      for (const gpu::Turns turns :
           {gpu::Turns::forwards, gpu::Turns::backwards, gpu::Turns::random, gpu::Turns::eager}) {
        gpu::EmulatedChipConfig chip;
        chip.turns = turns;
        chip.order = turns == gpu::Turns::random ? ThreadOrder::shuffled : ThreadOrder::backwards;
        const Run run = run_on_chip(plan, options, device, chip, lanes_of(3), 33);
        CAPTURE(shape.name, precision_name(precision), static_cast<int>(turns), run.description);
        CHECK_THAT(run.description, Catch::Contains("across"));
        check_sound(run.report);
        CHECK(run.results == expected);
        const bool shared = run.description.find("of all products") != std::string::npos;
        last_shared += shared ? 1 : 0;
        last_alone += shared ? 0 : 1;
      }
    }
  }
  CHECK(last_alone > 0);
  CHECK(last_shared > 0);
}

TEST_CASE("one block that moves only when no other can makes no difference, whichever it is") {
  const StepPlan plan = random_step_plan(chip_shapes()[0], 6);
  StepRunnerOptions options;
  options.precision = Precision::i8;
  options.max_lanes = 3;
  const gpu::EmulatedDevice device = small_chip(plan, options.precision, 3);
  const auto expected = expected_of(plan, options, lanes_of(3));
  const gpu::PackedStepModel model = gpu::pack_step_model(plan, options.precision);
  const auto launch = gpu::plan_persistent_launch(model, options.precision, 3, device.limits);
  REQUIRE(launch);
  REQUIRE(launch->persistent.stages > 2);
  REQUIRE(launch->persistent.heads > 1);
  for (int starved = 0; starved < launch->persistent.blocks(); ++starved) {
    CAPTURE(starved);
    gpu::EmulatedChipConfig chip;
    chip.turns = gpu::Turns::starved;
    chip.starved = starved;
    const Run run = run_on_chip(plan, options, device, chip, lanes_of(3), 40);
    check_sound(run.report);
    CHECK(run.results == expected);
  }
}

// One lane takes the launch of one, more the launch with at least a stage a lane, nine the block a
// lane: all on the states that the others left.
TEST_CASE("across the chip lanes follow each other, come alone and give way to other kernels") {
  const StepPlan plan = random_step_plan(chip_shapes()[2], 7);
  StepRunnerOptions options;
  options.precision = Precision::i16;
  options.max_lanes = 9;
  const gpu::EmulatedDevice device = small_chip(plan, options.precision, 6);
  for (const int count : {1, 2, 8, 9}) {
    CAPTURE(count);
    const auto lanes = lanes_of(count);
    gpu::EmulatedChipConfig chip;
    chip.turns = gpu::Turns::random;
    chip.seed = static_cast<std::uint64_t>(count);
    // Interleaved: the lanes of a block of samples come in two calls.
    const Run run = run_on_chip(plan, options, device, chip, lanes, -30, true);
    check_sound(run.report);
    CHECK(run.results == expected_of(plan, options, lanes));
  }
}

TEST_CASE("across the chip random shapes, lanes, cuts and devices give the CPU's bytes") {
  int across = 0;
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    const StepPlan plan = random_step_plan(random_step_shape(seed), seed);
    StepRunnerOptions options;
    options.precision = seed % 4 < 2 ? Precision::i8 : Precision::i16;
    options.max_lanes = 4;
    gpu::EmulatedDevice device;
    device.limits.cooperative = true;
    device.limits.multiprocessors = 20 + static_cast<int>(seed % 3) * 15;
    device.limits.shared_bytes_per_block = (seed % 2 == 0 ? 99U : 64U) * 1024U;
    gpu::EmulatedChipConfig chip;
    chip.turns = gpu::Turns::random;
    chip.order = ThreadOrder::shuffled;
    chip.seed = seed;
    const auto lanes = lanes_of(1 + static_cast<int>(seed % 4));
    const Run run = run_on_chip(plan, options, device, chip, lanes, -40, true);
    CAPTURE(seed, text(random_step_shape(seed)), lanes.size(), run.description);
    CHECK_FALSE(run.report.lost);
    CHECK_FALSE(run.report.stuck);
    CHECK(run.results == expected_of(plan, options, lanes));
    across += run.report.launches > 0 ? 1 : 0;
  }
  CHECK(across >= 4);  // the others fit in one block, which needs no hop
}

// A Gaussian at temperature 0 gives its mean: the head's first output itself, fed back as x(t-1), and
// a network of random weights does not blow a difference up. Sums are cut as test_step_kernel.cpp
// says, for the same 1e-5.
TEST_CASE("across the chip f32 is within 1e-5 of the CPU") {
  const StepPlan plan = random_step_plan(chip_shapes()[1], 8);
  StepRunnerOptions options;
  options.max_lanes = 2;
  const gpu::EmulatedDevice device = small_chip(plan, Precision::f32, 2);
  const std::vector<RigLane> lanes{{0, 3, 0.0F, {}}, {1, 4, 0.0F, {}}};
  const auto expected = expected_of(plan, options, lanes);
  for (const gpu::Turns turns : {gpu::Turns::forwards, gpu::Turns::random}) {
    gpu::EmulatedChipConfig chip;
    chip.turns = turns;
    const Run run = run_on_chip(plan, options, device, chip, lanes, 20);
    check_sound(run.report);
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      for (std::size_t t = 0; t < kSamples; ++t) {
        CAPTURE(i, t);
        REQUIRE(std::fabs(run.results[i].output[t] - expected[i].output[t]) < 1e-5F);
      }
    }
  }
}

// 1e-3 of likelihoods as in test_step_kernel.cpp; f16 is held to the CPU's f32.
TEST_CASE("across the chip a teacher's samples and their likelihoods are the CPU's") {
  for (const StepShape& shape : chip_shapes()) {
    const StepPlan plan = random_step_plan(shape, 9);
    const std::vector<float> teacher = RunnerRig(plan).teacher(3, kSamples);
    const std::vector<RigLane> lanes{{1, 31, 1.0F, teacher}, {0, 32, 1.0F, teacher}};
    for (const Precision precision : {Precision::f32, Precision::f16, Precision::i16}) {
      CAPTURE(shape.name, precision_name(precision));
      StepRunnerOptions options;
      options.precision = precision == Precision::i16 ? precision : Precision::f32;
      options.max_lanes = 2;
      const auto expected = expected_of(plan, options, lanes);
      options.precision = precision;
      const gpu::EmulatedDevice device = small_chip(plan, precision, 2);
      const Run run = run_on_chip(plan, options, device, {}, lanes, 25);
      check_sound(run.report);
      CHECK(run.results[0].output == teacher);
      CHECK((precision != Precision::i16 || run.results == expected));
      for (std::size_t t = 0; t < kSamples; ++t) {
        REQUIRE(std::fabs(run.results[1].log_likelihood[t] - expected[1].log_likelihood[t]) <
                1e-3F);
      }
    }
  }
}

// The emulator gives up when no block can move; a GPU after so many looks.
TEST_CASE("a word that never comes ends in NaN for good, not in a hang") {
  const StepPlan plan = random_step_plan(chip_shapes()[0], 10);
  StepRunnerOptions options;
  options.precision = Precision::i8;
  options.max_lanes = 2;
  const gpu::EmulatedDevice device = small_chip(plan, options.precision, 2);
  const auto expected = expected_of(plan, options, lanes_of(2));
  const Run whole = run_on_chip(plan, options, device, {}, lanes_of(2), kSamples);
  // The words of a sample are of every kind: each of them is missed.
  const std::int64_t a_sample = whole.report.stores / (2 * kSamples);
  for (std::int64_t dropped = 11 * a_sample; dropped < 12 * a_sample; dropped += 3) {
    CAPTURE(dropped, a_sample);
    gpu::EmulatedChipConfig chip;
    chip.dropped_store = dropped;
    const Run run = run_on_chip(plan, options, device, chip, lanes_of(2), kSamples / 2);
    CHECK(run.report.stuck);
    CHECK(run.report.launches <= 2);
    for (const RigResult& lane : run.results) {
      CHECK(std::isnan(lane.output[kSamples / 2 - 1]));
      CHECK(std::isnan(lane.output[kSamples - 1]));
    }
  }
  CHECK(whole.results == expected);
}

TEST_CASE("the chip is taken for few lanes of a model that no block and no cluster holds") {
  StepShape shape;
  shape.residual = shape.gate = 64;
  shape.skip = shape.head = 256;
  shape.choices = 10;
  shape.dilations.assign(20, 1);
  const StepPlan plan = random_step_plan(shape, 1);
  struct Device {
    const char* name;
    int multiprocessors;
    std::size_t shared_kib;
  };
  for (const Device& chip :
       {Device{"T4", 40, 64}, {"A100", 108, 163}, {"4090", 128, 99}, {"H100", 132, 227}}) {
    for (const Precision precision :
         {Precision::f32, Precision::f16, Precision::i16, Precision::i8}) {
      const gpu::PackedStepModel model = gpu::pack_step_model(plan, precision);
      gpu::DeviceLimits limits;
      limits.multiprocessors = chip.multiprocessors;
      limits.shared_bytes_per_block = chip.shared_kib * 1024;
      CHECK_FALSE(gpu::plan_persistent_launch(model, precision, 1, limits));  // blocks take turns
      limits.cooperative = true;
      for (const int lanes : gpu::kPersistentLanes) {
        const auto launch = gpu::plan_persistent_launch(model, precision, lanes, limits);
        CAPTURE(chip.name, precision_name(precision), lanes);
        if (precision == Precision::f32 && chip.shared_kib == 64) {
          CHECK_FALSE(launch);  // a layer's 48 KiB leave no room for scratch
          continue;
        }
        REQUIRE(launch);
        CAPTURE(gpu::describe(*launch, model));
        const gpu::PersistentShape& shared = launch->persistent;
        CHECK(shared.blocks() <= limits.multiprocessors);
        CHECK(launch->blocks(lanes) == shared.blocks());
        CHECK(launch->shared_bytes <= limits.shared_bytes_per_block);
        CHECK(shared.stages >= lanes);
        CHECK(shared.stages <= 20);
        CHECK(shared.heads >= 8);
      }
      CHECK_FALSE(gpu::plan_persistent_launch(model, precision, 9, limits));
    }
  }
}

// f32: a layer of the chain takes 48 KiB, its past tap 32 more; a tenth of the skip and head rows 32.
TEST_CASE("a description says how the chip is dealt out") {
  StepShape shape;
  shape.residual = shape.gate = 64;
  shape.skip = shape.head = 256;
  shape.choices = 10;
  shape.dilations.assign(20, 1);
  const gpu::PackedStepModel model =
      gpu::pack_step_model(random_step_plan(shape, 1), Precision::f32);
  gpu::DeviceLimits limits;
  limits.multiprocessors = 128;
  limits.shared_bytes_per_block = 99 * 1024;
  limits.cooperative = true;
  const auto launch = gpu::plan_persistent_launch(model, Precision::f32, 1, limits);
  REQUIRE(launch);
  CHECK(gpu::describe(*launch, model) ==
        "across 46 blocks: 20 stages and 26 heads, 256 threads a block, readiness in the data, all "
        "weights in shared memory");
  // 256 classes of 256 inputs are 256 KiB: more than any block has, a share of each.
  shape.distribution = Distribution::mu_law_categorical;
  shape.choices = 256;
  const gpu::PackedStepModel classes =
      gpu::pack_step_model(random_step_plan(shape, 1), Precision::f32);
  const auto shared = gpu::plan_persistent_launch(classes, Precision::f32, 1, limits);
  REQUIRE(shared);
  CHECK_THAT(gpu::describe(*shared, classes), Catch::Contains("heads of all products"));
  CHECK(shared->shared_bytes <= limits.shared_bytes_per_block);
}

// --- the emulator itself: it must find what it is there to find ----------------------------------

constexpr int kNumbers = 6;

// Writes a word a number, waiting for nobody unless it is told to.
class Writer final : public gpu::EmulatedPart {
 public:
  Writer(gpu::EmulatedChip& chip, gpu::Word* words, bool polite)
      : block_(chip, 0, 32, 0), words_(words), polite_(polite) {}
  gpu::Progress turn() override {
    if (number_ > 2 && polite_ &&
        block_.await(
            1, number_ - 2, [&](int) { return words_ + 2 + number_ % 2; },
            [](int, std::uint32_t) {}) != gpu::Wait::ready) {
      return gpu::Progress::waiting;
    }
    block_.publish(words_ + number_ % 2, gpu::make_word(7 * number_, number_));
    return ++number_ > kNumbers ? gpu::Progress::finished : gpu::Progress::moved;
  }

 private:
  gpu::EmulatedChipBlock block_;
  gpu::Word* words_;
  bool polite_;
  std::uint32_t number_ = 1;
};

// Reads them and says so.
class Reader final : public gpu::EmulatedPart {
 public:
  Reader(gpu::EmulatedChip& chip, gpu::Word* words, std::vector<std::uint32_t>* read)
      : block_(chip, 1, 32, 0), words_(words), read_(read) {}
  gpu::Progress turn() override {
    const gpu::Wait wait = block_.await(
        1, number_, [&](int) { return words_ + number_ % 2; },
        [&](int, std::uint32_t bits) { read_->push_back(bits); });
    if (wait != gpu::Wait::ready) {
      return wait == gpu::Wait::gave_up ? gpu::Progress::finished : gpu::Progress::waiting;
    }
    block_.publish(words_ + 2 + number_ % 2, gpu::make_word(0, number_));
    return ++number_ > kNumbers ? gpu::Progress::finished : gpu::Progress::moved;
  }

 private:
  gpu::EmulatedChipBlock block_;
  gpu::Word* words_;
  std::vector<std::uint32_t>* read_;
  std::uint32_t number_ = 1;
};

TEST_CASE("the emulator finds words that are written over before they are read") {
  for (const bool polite : {true, false}) {
    gpu::Word words[4] = {0, 0, 0, 0};
    gpu::EmulatedChipConfig config;
    config.turns = gpu::Turns::eager;  // the writer as long as it can
    gpu::EmulatedChip chip(config);
    std::vector<std::uint32_t> read;
    std::vector<std::unique_ptr<gpu::EmulatedPart>> parts;
    parts.push_back(std::make_unique<Writer>(chip, words, polite));
    parts.push_back(std::make_unique<Reader>(chip, words, &read));
    gpu::emulate_chip(chip, parts);
    CHECK(chip.report().lost == !polite);
    CHECK(chip.report().stuck == !polite);
    CHECK((read == std::vector<std::uint32_t>{7, 14, 21, 28, 35, 42}) == polite);
  }
}

}  // namespace
}  // namespace ondes
