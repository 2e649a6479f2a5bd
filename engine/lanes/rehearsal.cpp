#include "engine/lanes/rehearsal.h"

#include <algorithm>
#include <span>
#include <string>

#include "engine/error.h"
#include "engine/lanes/sequencer.h"

namespace ondes {
namespace {

constexpr int kBlockSamples = 256;
constexpr int kBlocksBetweenQuestions = 64;

class SilentRunner : public LaneRunner {
 public:
  explicit SilentRunner(int max_lanes) : max_lanes_(max_lanes) {}
  void start(int) noexcept override {}
  void process(std::span<const StepLane> lanes, int) noexcept override {
    for (const StepLane& lane : lanes) {
      std::fill(lane.output.begin(), lane.output.end(), 0.0F);
    }
  }
  int max_lanes() const noexcept override { return max_lanes_; }
  int max_block_samples() const noexcept override { return kBlockSamples; }
  std::string description() const override { return "silence"; }

 private:
  int max_lanes_;
};

}  // namespace

Rehearsal rehearse(const Performance& performance,
                   const NotePlan& plan,
                   const NoteContract& contract,
                   const SynthOptions& options,
                   int max_lanes,
                   std::optional<std::int64_t> tail_samples,
                   const std::function<bool()>& keep_going) {
  SilentRunner runner(max_lanes);
  SynthOptions rehearsing = options;
  rehearsing.rehearsal = true;
  Synth synth(plan, contract, runner, rehearsing);
  Sequencer sequencer(performance, contract.sample_rate_hz);
  Buffer mix(kBlockSamples, 2);
  const auto ended = [&] {
    if (tail_samples) {
      return synth.position_samples() >= sequencer.length_samples() + *tail_samples;
    }
    return sequencer.finished() && synth.silent() &&
           synth.position_samples() >= sequencer.length_samples();
  };
  for (int block = 0; !ended(); ++block) {
    if (block % kBlocksBetweenQuestions == 0 && keep_going && !keep_going()) {
      throw Error(ErrorCode::interrupted, "interrupted while planning");
    }
    synth.process(sequencer.next(kBlockSamples), mix.view());
  }
  Rehearsal result;
  result.samples =
      tail_samples ? sequencer.length_samples() + *tail_samples : synth.position_samples();
  result.stats = synth.stats();
  return result;
}

}  // namespace ondes
