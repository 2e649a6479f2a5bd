#include "apps/eval/measuring.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <new>
#include <thread>

#include "apps/eval/score_notes.h"
#include "apps/eval/sound_pair.h"
#include "apps/interrupt.h"
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
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;  // guarded by `mutex`
  const auto work = [&] {
    for (std::size_t i = next++; i < pairs.size() && !interrupted(); i = next++) {
      try {
        results[i] = measure(pairs[i]);
        const std::lock_guard lock(mutex);
        if (options.on_result && !failure) {
          options.on_result(results[i]);
        }
      } catch (...) {
        const std::lock_guard lock(mutex);
        failure = failure ? failure : std::current_exception();
        next = pairs.size();
      }
    }
  };
  const std::size_t wanted = options.threads > 0
                                 ? static_cast<std::size_t>(options.threads)
                                 : std::max<std::size_t>(1, std::thread::hardware_concurrency());
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < std::min(wanted, pairs.size()); ++i) {
    threads.emplace_back(work);
  }
  work();
  for (std::thread& thread : threads) {
    thread.join();
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
  check_interrupted();
  return results;
}

}  // namespace ondes
