#include "apps/eval/measuring.h"

#include <fmt/format.h>

#include <chrono>
#include <mutex>
#include <new>
#include <utility>

#include "apps/eval/for_each_index.h"
#include "apps/eval/score_notes.h"
#include "apps/eval/sound_pair.h"
#include "engine/error.h"

namespace ondes {
namespace {

using Clock = std::chrono::steady_clock;

// The other pairs may still fit where one is too long.
constexpr const char* kNoMemory = "not enough memory for this pair";

void measure_render(PairResult& result,
                    const PairFiles& files,
                    const EvaluationPolicies& policies,
                    const MetricPlan& plan) {
  result.reference = file_identity(files.reference);
  const ScoreNotes score = read_score_notes(files.reference);
  result.reference.format = fmt::format("score, {} notes", score.notes.size());
  MonoSound render = read_mono(files.generated, policies.channels);
  result.generated = render.info;
  result.notes = score.remarks;
  if (render.info.channels > 1) {
    result.notes.push_back(fmt::format("render: mean of {} channels", render.info.channels));
  }
  SoundPair sounds;
  sounds.rate_hz = render.info.rate_hz;
  sounds.generated = std::move(render.samples);
  result.values = plan.measure({sounds, policies, files.id, &result.notes, score.notes});
}

void measure_into(PairResult& result,
                  const PairFiles& files,
                  const EvaluationPolicies& policies,
                  const MetricPlan& plan) {
  if (is_score(files.reference)) {
    measure_render(result, files, policies, plan);
    return;
  }
  MonoSound reference = read_mono(files.reference, policies.channels);
  result.reference = reference.info;
  MonoSound generated = read_mono(files.generated, policies.channels);
  result.generated = generated.info;
  const SoundPair sounds = fit_sounds(std::move(reference), std::move(generated), policies);
  result.notes = sounds.notes;
  result.values = plan.measure({sounds, policies, files.id, &result.notes});
}

}  // namespace

PairResult measure_pair(const PairFiles& files,
                        const EvaluationPolicies& policies,
                        const MetricPlan& plan) {
  const Clock::time_point start = Clock::now();
  PairResult result;
  result.id = files.id;
  result.reference.path = files.reference;
  result.generated.path = files.generated;
  try {
    if (!files.refused.empty()) {
      throw Error(ErrorCode::bad_input, files.refused);
    }
    measure_into(result, files, policies, plan);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) {
      throw;  // it is no property of the pair
    }
    result.failure = error.what();
  } catch (const std::bad_alloc&) {
    result.failure = kNoMemory;
  }
  if (!result.failure.empty()) {
    result.values.clear();
  }
  result.elapsed_s = std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

std::vector<PairResult> measure_pairs(const std::vector<PairFiles>& pairs,
                                      const PairMeasure& measure,
                                      const MeasuringOptions& options) {
  std::vector<PairResult> results(pairs.size());
  std::mutex mutex;
  bool reports = true;  // guarded by `mutex`; not any more once reporting has failed
  for_each_index(pairs.size(), options.threads, [&](std::size_t i) {
    results[i] = measure(pairs[i]);
    const std::lock_guard lock(mutex);
    if (options.on_result && std::exchange(reports, false)) {
      options.on_result(results[i]);
      reports = true;
    }
  });
  return results;
}

}  // namespace ondes
