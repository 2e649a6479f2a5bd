#include "apps/eval/evaluation_run.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include "apps/eval/gates.h"
#include "apps/eval/measuring.h"
#include "apps/eval/metric_plan.h"
#include "apps/eval/pairing.h"
#include "apps/eval/results_files.h"
#include "apps/eval/summary.h"
#include "dsp/audio_file.h"
#include "engine/error.h"

namespace ondes {
namespace fs = std::filesystem;
namespace {

constexpr int kProgressRateHz = 1000;  // progress counts milliseconds of generated sound

struct PairedSystem {
  std::string name;
  Pairing pairing;
};

std::vector<PairedSystem> paired_systems(const EvaluationRequest& request) {
  std::vector<PairedSystem> systems;
  if (!request.manifest.empty()) {
    systems.push_back({request.manifest, read_manifest(request.manifest)});
  }
  for (const std::string& generated : request.generated) {
    systems.push_back({generated, pair_sounds(request.reference, generated)});
  }
  return systems;
}

void refuse_unpaired(const std::vector<PairedSystem>& systems) {
  for (const PairedSystem& system : systems) {
    const Pairing& pairing = system.pairing;
    if (!pairing.only_in_reference.empty() || !pairing.only_in_generated.empty()) {
      const bool missing = !pairing.only_in_reference.empty();
      throw Error(
          ErrorCode::bad_input,
          fmt::format(
              "{}: --require-all: expected a partner of every sound, found {} only in the "
              "reference and {} only here ({} ...)",
              system.name, pairing.only_in_reference.size(), pairing.only_in_generated.size(),
              missing ? pairing.only_in_reference.front() : pairing.only_in_generated.front()));
    }
  }
}

// --force replaces outputs, never what is measured: not behind a link either.
void refuse_measured_outputs(const std::vector<PairedSystem>& systems,
                             const std::vector<std::string>& outputs) {
  for (const std::string& output : outputs) {
    std::error_code ignored;
    if (!fs::is_regular_file(output, ignored)) {
      continue;
    }
    for (const PairedSystem& system : systems) {
      for (const PairFiles& pair : system.pairing.pairs) {
        if (fs::equivalent(output, pair.reference, ignored) ||
            fs::equivalent(output, pair.generated, ignored)) {
          throw Error(ErrorCode::usage,
                      output + ": is one of the files to be measured; choose another output");
        }
      }
    }
  }
}

// All pairs of a run have the same metrics, so they are of one kind.
MetricKind kind_of(const std::vector<PairedSystem>& systems) {
  const PairFiles& first = systems.front().pairing.pairs.front();
  const bool scores = is_score(first.reference);
  for (const PairedSystem& system : systems) {
    for (const PairFiles& pair : system.pairing.pairs) {
      if (is_score(pair.reference) != scores) {
        throw Error(ErrorCode::bad_input,
                    fmt::format("{}: expected references of one kind, found {} and {}", system.name,
                                first.reference, pair.reference));
      }
    }
  }
  return scores ? MetricKind::scores : MetricKind::sounds;
}

// Of the first reference that can be opened.
int first_rate_hz(const std::vector<PairedSystem>& systems, int fallback) {
  for (const PairFiles& pair : systems.front().pairing.pairs) {
    try {
      return AudioFileReader(pair.reference).info().sample_rate_hz;
    } catch (const Error&) {
    }
  }
  return fallback;
}

MetricSetting setting_of(const EvaluationRequest& request,
                         const std::vector<PairedSystem>& systems) {
  MetricSetting setting;
  setting.kind = kind_of(systems);
  setting.policies = request.policies;
  if (setting.kind == MetricKind::sounds) {
    setting.rate_hz = first_rate_hz(systems, setting.rate_hz);
  }
  return setting;
}

// 0 for what cannot be opened: measuring says why.
std::int64_t duration_ms(const std::string& path) {
  try {
    const AudioFileReader reader(path);
    return std::max<std::int64_t>(0, reader.info().frames) * 1000 / reader.info().sample_rate_hz;
  } catch (const Error&) {
    return 0;
  }
}

std::int64_t total_ms(const std::vector<PairedSystem>& systems, ProgressMode mode) {
  std::int64_t total = 0;
  for (const PairedSystem& system : systems) {
    for (const PairFiles& pair : system.pairing.pairs) {
      total += mode == ProgressMode::none ? 0 : duration_ms(pair.generated);
    }
  }
  return total;
}

std::string now_utc() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

std::unique_ptr<JsonLinesFile> results_file(const EvaluationRequest& request,
                                            const Evaluation& evaluation,
                                            const std::vector<PairedSystem>& systems) {
  if (request.jsonl.empty()) {
    return nullptr;
  }
  std::vector<WantedPair> wanted;
  for (const PairedSystem& system : systems) {
    for (const PairFiles& pair : system.pairing.pairs) {
      wanted.push_back({system.name, pair});
    }
  }
  return std::make_unique<JsonLinesFile>(request.jsonl, evaluation, wanted, request.resume);
}

// One system after the other, each with its results in the order of its pairs.
class Measuring {
 public:
  Measuring(const EvaluationRequest& request,
            const MetricPlan& plan,
            JsonLinesFile* file,
            std::int64_t total)
      : request_(request),
        plan_(plan),
        file_(file),
        progress_(request.progress, "eval", total, kProgressRateHz) {}

  System measure(PairedSystem paired) {
    System system;
    system.name = paired.name;
    system.only_in_reference = std::move(paired.pairing.only_in_reference);
    system.only_in_generated = std::move(paired.pairing.only_in_generated);
    const auto measure_one = [&](const PairFiles& files) {
      const PairResult* known = file_ ? file_->find(system.name, files.id) : nullptr;
      if (known) {
        return *known;
      }
      return measure_pair(files, request_.policies, plan_);
    };
    const auto on_result = [&](const PairResult& pair) {
      if (file_ && !file_->find(system.name, pair.id)) {
        file_->add(pair, system.name);
      }
      done_ms_ += static_cast<std::int64_t>(1000.0 * pair.generated.duration_s());
      progress_.update(done_ms_);
    };
    system.pairs = measure_pairs(paired.pairing.pairs, measure_one, {request_.threads, on_result});
    return system;
  }

 private:
  const EvaluationRequest& request_;
  const MetricPlan& plan_;
  JsonLinesFile* file_;
  Progress progress_;
  std::int64_t done_ms_ = 0;
};

}  // namespace

Evaluation run_evaluation(const EvaluationRequest& request) {
  std::vector<PairedSystem> systems = paired_systems(request);
  refuse_measured_outputs(systems, request.outputs);
  const MetricSetting setting = setting_of(request, systems);
  const MetricPlan plan(request.metrics, setting);
  std::vector<Gate> gates;
  for (const std::string& gate : request.gates) {
    gates.push_back(parse_gate(gate, plan.metrics(), setting));
  }
  if (!request.report_order.empty()) {
    measured_metric("--report-by", request.report_order, plan.metrics(), setting);
  }
  Evaluation evaluation;
  evaluation.reference = request.manifest.empty() ? request.reference : request.manifest;
  evaluation.version = ONDES_VERSION;
  evaluation.date = now_utc();
  evaluation.policies = request.policies;
  evaluation.bootstrap_seed = request.bootstrap_seed;
  evaluation.bootstrap_resamples = request.bootstrap_resamples;
  evaluation.metrics = plan.metrics();
  if (request.require_all) {
    refuse_unpaired(systems);
  }
  const std::unique_ptr<JsonLinesFile> file = results_file(request, evaluation, systems);
  try {
    Measuring measuring(request, plan, file.get(), total_ms(systems, request.progress));
    for (PairedSystem& system : systems) {
      evaluation.systems.push_back(measuring.measure(std::move(system)));
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted && file) {
      throw Error(ErrorCode::interrupted, fmt::format("{}; what was measured is in {}, --resume "
                                                      "goes on from there",
                                                      error.what(), request.jsonl));
    }
    throw;
  }
  summarise(evaluation);
  for (const Gate& gate : gates) {
    evaluation.gates.push_back(
        check_gate(gate, evaluation.systems.back(),
                   evaluation.metrics[static_cast<std::size_t>(gate.metric)]));
  }
  return evaluation;
}

}  // namespace ondes
