// The benchmark of step plans on a GPU, driven with the CPU's runners in a device's place.
#include <catch2/catch.hpp>
#include <limits>

#include "apps/bench_cuda.h"
#include "apps/bench_shapes.h"
#include "engine/error.h"

namespace ondes {
namespace {

// Passes everything on under a name of its own; spoils the samples of one precision.
class NamedRunner final : public StepRunner {
 public:
  NamedRunner(std::unique_ptr<StepRunner> runner, std::string name, bool spoils)
      : runner_(std::move(runner)), name_(std::move(name)), spoils_(spoils) {}
  void start(int slot) noexcept override { runner_->start(slot); }
  void process(std::span<const StepLane> lanes, int samples) noexcept override {
    runner_->process(lanes, samples);
    if (spoils_) {
      lanes.front().output[0] = std::numeric_limits<float>::quiet_NaN();
    }
  }
  void set_probe(StepProbe* probe) override { runner_->set_probe(probe); }
  int max_lanes() const noexcept override { return runner_->max_lanes(); }
  int max_block_samples() const noexcept override { return runner_->max_block_samples(); }
  std::string description() const override { return name_; }

 private:
  std::unique_ptr<StepRunner> runner_;
  std::string name_;
  bool spoils_;
};

struct BenchRig {
  BenchRig() {
    bench.residual = {32};
    bench.precisions = {Precision::i8, Precision::f32};
    bench.lanes = {1, 3};
    bench.seconds = 0.01;
    bench.plan = [](int residual) { return bench_plan(bench_shape(residual)); };
    bench.figure = [this](const CudaStepFigure& figure) { figures.push_back(figure); };
    bench.make_runner = [this](const StepPlan& plan, const StepRunnerOptions& options,
                               const std::string& variant) {
      const std::string name = variant == "same" || variant.empty() ? "planned" : variant;
      return std::make_unique<NamedRunner>(make_cpu_step_runner(plan, options), name,
                                           options.precision == spoiled);
    };
    rates.copy_bytes_per_s = rates.l2_read_bytes_per_s = 1e12;
    rates.f32_macs_per_s = rates.i8_macs_per_s = 1e13;
  }
  CudaStepBench bench;
  DeviceRates rates;
  std::vector<CudaStepFigure> figures;
  std::optional<Precision> spoiled;
};

TEST_CASE("every precision and number of lanes is timed, a variant only where it is another one") {
  BenchRig rig;
  rig.bench.variants = {"same", "other"};
  run_cuda_step_bench(rig.bench, rig.rates);
  REQUIRE(rig.figures.size() == 2 * 2 * 2);
  for (std::size_t i = 0; i < rig.figures.size(); ++i) {
    CAPTURE(i);
    CHECK(rig.figures[i].picked == (i % 2 == 0));
    CHECK(rig.figures[i].lanes == (i / 2 % 2 == 0 ? 1 : 3));
    CHECK(rig.figures[i].precision == (i < 4 ? Precision::i8 : Precision::f32));
    CHECK(rig.figures[i].samples_per_s > 1000.0);  // a thousandth of what a core does
  }
}

TEST_CASE(
    "a precision whose samples are not numbers is not timed, the others are, and it is told") {
  BenchRig rig;
  rig.spoiled = Precision::i8;
  CHECK_THROWS_WITH(run_cuda_step_bench(rig.bench, rig.rates),
                    Catch::Contains("planned: samples are not finite"));
  REQUIRE(rig.figures.size() == 2);
  CHECK(rig.figures[0].precision == Precision::f32);
}

TEST_CASE("a precision that is refused ends no other one") {
  BenchRig rig;
  rig.bench.precisions = {Precision::f16, Precision::f32};  // the CPU has no f16
  CHECK_THROWS_WITH(run_cuda_step_bench(rig.bench, rig.rates), Catch::Contains("f16"));
  CHECK(rig.figures.size() == 2);
}

TEST_CASE("no line begins when the time is over") {
  BenchRig rig;
  rig.bench.budget_s = 1e-9;
  run_cuda_step_bench(rig.bench, rig.rates);
  CHECK(rig.figures.empty());
}

TEST_CASE("an interruption ends everything") {
  BenchRig rig;
  rig.bench.check_interrupted = [] { throw Error(ErrorCode::interrupted, "now"); };
  CHECK_THROWS_WITH(run_cuda_step_bench(rig.bench, rig.rates), "now");
  CHECK(rig.figures.empty());
}

}  // namespace
}  // namespace ondes
