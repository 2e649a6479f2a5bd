#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/cli_options.h"
#include "apps/commands.h"
#include "apps/eval/earlier_outputs.h"
#include "apps/eval/evaluation_run.h"
#include "apps/eval/metric_plan.h"
#include "apps/eval/nearest.h"
#include "apps/eval/nearest_results.h"
#include "apps/eval/results_files.h"
#include "apps/eval/results_json.h"
#include "apps/eval/summary_table.h"
#include "apps/exit_codes.h"
#include "apps/output_path.h"
#include "apps/print.h"
#include "apps/report_options.h"
#include "engine/error.h"
#include "engine/files/atomic_file.h"

namespace ondes {
namespace {

constexpr std::size_t kListedFailures = 20;
constexpr std::size_t kListedNotes = 6;
constexpr int kMaxInputs = 1000000;  // of --nearest; what takes pairs counts them itself

struct EvalCommand {
  std::vector<std::string> inputs;
  std::vector<std::string> compare;
  EvaluationRequest request;
  std::string csv;
  ReportRequest report;
  NearestRequest nearest;
  std::string progress = "auto";
  bool json = false;
  bool force = false;
};

void note(const std::string& text) {
  std::fputs(("ondes: " + text + "\n").c_str(), stderr);
}

// REF GEN, REF with --compare, or a manifest alone.
void read_inputs(EvalCommand& command) {
  const std::size_t expected = !command.request.manifest.empty() ? 0
                               : command.compare.empty()         ? 2
                                                                 : 1;
  if (command.inputs.size() != expected ||
      (!command.request.manifest.empty() && !command.compare.empty())) {
    throw Error(
        ErrorCode::usage,
        fmt::format("expected REF GEN, REF --compare A B, or --manifest FILE; found {} path{} "
                    "{}",
                    command.inputs.size(), command.inputs.size() == 1 ? "" : "s",
                    !command.request.manifest.empty() ? "and --manifest"
                    : command.compare.empty()         ? "and neither option"
                                                      : "and --compare"));
  }
  if (expected == 0) {
    return;
  }
  command.request.reference = command.inputs.front();
  command.request.generated =
      command.compare.empty() ? std::vector<std::string>{command.inputs.back()} : command.compare;
  if (command.compare.size() == 2 && command.compare[0] == command.compare[1]) {
    throw Error(ErrorCode::usage,
                "--compare: expected two systems, found " + command.compare[0] + " twice");
  }
}

void check_outputs(const EvalCommand& command) {
  if (command.request.resume && command.request.jsonl.empty()) {
    throw Error(ErrorCode::usage, "--resume: expected --jsonl FILE, whose lines it goes on from");
  }
  if (is_standard_output(command.request.jsonl)) {
    throw Error(ErrorCode::usage, "--jsonl: expected a file, found standard output");
  }
  if (!command.request.manifest.empty()) {
    for (const std::string& output : {command.csv, command.request.jsonl, command.report.path}) {
      refuse_own_input(command.request.manifest, output);
    }
  }
  if (!command.csv.empty()) {
    refuse_mixed_output(command.csv, command.json);
    refuse_existing(command.csv, command.force);
  }
  if (!command.request.jsonl.empty()) {
    refuse_existing(command.request.jsonl, command.force || command.request.resume);
  }
  if (!command.report.path.empty() && !is_standard_output(command.report.path)) {
    refuse_existing(command.report.path, command.force);
  }
  refuse_other_than_earlier_outputs({{"--csv", EvalOutputKind::csv, command.csv},
                                     {"--jsonl", EvalOutputKind::json_lines, command.request.jsonl},
                                     {"--report", EvalOutputKind::report, command.report.path}});
}

void write_text(AtomicFileWriter& file, const std::string& text) {
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

void print_failures(const Evaluation& evaluation) {
  for (const System& system : evaluation.systems) {
    std::size_t count = 0;
    for (const PairResult& pair : system.pairs) {
      if (pair.failure.empty()) {
        continue;
      }
      if (++count <= kListedFailures) {
        note(fmt::format("{}: not measured: {}", pair.id, pair.failure));
      }
    }
    if (count > 0) {
      note(fmt::format("{}: {} of {} pairs could not be measured", system.name, count,
                       system.pairs.size()));
    }
  }
}

// What the policies did to a pair, and what was measured otherwise than the table says.
std::vector<std::string> remarks_on(const PairResult& pair, const Evaluation& evaluation) {
  std::vector<std::string> remarks = pair.notes;
  std::string names;
  for (std::size_t m = 0; m < pair.values.size(); ++m) {
    if (!pair.values[m].parameters.empty()) {
      names += (names.empty() ? "" : ", ") + evaluation.metrics[m].name;
    }
  }
  if (!names.empty()) {
    remarks.push_back("measured with parameters of its own, which --csv and --jsonl state: " +
                      names);
  }
  return remarks;
}

void print_notes(const Evaluation& evaluation) {
  std::size_t count = 0;
  for (const System& system : evaluation.systems) {
    for (const PairResult& pair : system.pairs) {
      for (const std::string& text : remarks_on(pair, evaluation)) {
        if (++count <= kListedNotes) {
          note(pair.id + ": " + text);
        }
      }
    }
  }
  if (count > kListedNotes) {
    note(fmt::format("... {} more such notes; --csv and --jsonl hold all", count - kListedNotes));
  }
}

int exit_code_of(const Evaluation& evaluation) {
  for (const GateResult& gate : evaluation.gates) {
    if (!gate.passed) {
      note(fmt::format(
          "gate {} is broken by {}{}", gate.text, gate.broken_by.front(),
          gate.broken_by.size() > 1 ? fmt::format(" and {} more", gate.broken_by.size() - 1) : ""));
    }
  }
  const bool all_passed = std::all_of(evaluation.gates.begin(), evaluation.gates.end(),
                                      [](const GateResult& gate) { return gate.passed; });
  if (!all_passed) {
    return kExitThreshold;
  }
  for (const System& system : evaluation.systems) {
    for (const PairResult& pair : system.pairs) {
      if (!pair.failure.empty()) {
        return kExitBadInput;
      }
    }
  }
  return kExitDone;
}

// --nearest CORPUS GEN...: one by one against all of a corpus; there are no pairs and no metrics.
int run_nearest(EvalCommand& command) {
  if (command.inputs.empty()) {
    throw Error(ErrorCode::usage, "--nearest: expected CORPUS and sounds, found no sounds");
  }
  check_outputs(command);
  for (const std::string& input : command.inputs) {
    refuse_own_input(input, command.csv);
  }
  command.nearest.generated = command.inputs;
  command.nearest.threads = command.request.threads;
  command.nearest.progress = progress_mode(command.progress);
  std::optional<AtomicFileWriter> csv;
  if (!command.csv.empty() && command.csv != "-") {
    csv.emplace(command.csv);
  }
  const NearestSearch search = find_nearest(command.nearest);
  if (csv) {
    write_text(*csv, nearest_csv(search));
  }
  for (const std::string& clip : search.unreadable) {
    note("not searched: " + clip);
  }
  if (search.too_short > 0) {
    note(fmt::format("not searched: {} of the corpus, silent or shorter than 0.1 s",
                     search.too_short));
  }
  bool all_read = search.unreadable.empty();
  for (const NearestResult& result : search.results) {
    if (!result.failure.empty()) {
      note(result.path + ": " + result.failure);
      all_read = false;
    }
  }
  if (command.json) {
    print_json(nearest_json(search));
  } else {
    std::fputs((command.csv == "-" ? nearest_csv(search) : nearest_text(search)).c_str(), stdout);
  }
  return all_read ? kExitDone : kExitBadInput;
}

int run_eval(EvalCommand command) {
  if (!command.nearest.corpus.empty()) {
    return run_nearest(command);
  }
  read_inputs(command);
  check_outputs(command);
  command.request.progress = progress_mode(command.progress);
  // Opened before the work, so that a place that cannot be written is known before it.
  std::optional<AtomicFileWriter> csv;
  if (!command.csv.empty() && command.csv != "-") {
    csv.emplace(command.csv);
  }
  const std::unique_ptr<ReportFile> report = open_report(command.report);
  command.request.report_order = command.report.options.order_by;
  command.request.outputs = {command.csv, command.request.jsonl, command.report.path};
  const Evaluation evaluation = run_evaluation(command.request);
  if (csv) {
    write_text(*csv, results_csv(evaluation));
  }
  print_notes(evaluation);
  print_failures(evaluation);
  if (command.json) {
    print_json(summary_to_json(evaluation));
  } else {
    std::fputs((command.csv == "-" ? results_csv(evaluation) : evaluation_text(evaluation)).c_str(),
               stdout);
  }
  if (report) {
    finish_report(*report, command.report, evaluation);  // last: what it takes is not waited for
  }
  return exit_code_of(evaluation);
}

std::vector<MetricInfo> further_metrics() {
  std::vector<MetricInfo> further;
  const std::vector<MetricInfo> must = must_metrics({});
  for (const MetricInfo& metric : all_metrics({})) {
    if (find_metric(must, metric.name) < 0) {
      further.push_back(metric);
    }
  }
  return further;
}

void add_policies(CLI::App& sub, EvaluationPolicies& policies) {
  using Rate = EvaluationPolicies::RateMismatch;
  using Channels = EvaluationPolicies::Channels;
  using Trim = EvaluationPolicies::Trim;
  using Align = EvaluationPolicies::Align;
  const std::map<std::string, Rate> rates{{"resample", Rate::resample}, {"refuse", Rate::refuse}};
  const std::map<std::string, Channels> channels{{"mix", Channels::mix},
                                                 {"refuse", Channels::refuse}};
  const std::map<std::string, Trim> trims{{"none", Trim::none}, {"silence", Trim::silence}};
  const std::map<std::string, Align> aligns{{"none", Align::none}, {"delay", Align::delay}};
  sub.add_option("--on-rate-mismatch", policies.rate_mismatch,
                 "resample: GEN goes to REF's rate, and that is reported (default); refuse")
      ->transform(CLI::Transformer(rates))
      ->type_name("resample|refuse");
  sub.add_option("--channels", policies.channels, "mix: the mean of all (default); refuse")
      ->transform(CLI::Transformer(channels))
      ->type_name("mix|refuse");
  sub.add_option("--trim", policies.trim, "silence: cut it from both ends of either sound")
      ->transform(CLI::Transformer(trims))
      ->type_name("none|silence");
  sub.add_option("--trim-db", policies.trim_below_peak_db, "How far below the loudest is silence")
      ->check(finite_range(10.0, 120.0))
      ->capture_default_str();
  sub.add_option(
         "--align", policies.align,
         "delay: take out one delay found by cross-correlation (none: the default MCD takes out "
         "up to 0.1 s for itself, delay_samples says which)")
      ->transform(CLI::Transformer(aligns))
      ->type_name("none|delay");
  sub.add_option("--mcd-profile", policies.mcd_profile,
                 "What mcd is: default, espnet, kubichek; versa, pymcd with --envelopes-ref, -gen")
      ->capture_default_str();
  sub.add_option("--envelopes-ref", policies.envelopes_reference_folder,
                 "A folder of WORLD's power envelopes: PAIR.npy, [frames, bins]");
  sub.add_option("--envelopes-gen", policies.envelopes_generated_folder,
                 "The same of the generated sounds");
  sub.add_option("--f0-ref", policies.f0_reference_folder,
                 "A folder of pitch tracks made elsewhere: PAIR.csv, .txt, .f0 (time,hz) or .npy");
  sub.add_option("--f0-gen", policies.f0_generated_folder, "The same of the generated sounds");
  sub.add_option("--max-delay", policies.max_delay_s, "Seconds, for --align delay")
      ->check(finite_range(0.0, 10.0))
      ->capture_default_str();
}

void add_nearest(CLI::App& sub, NearestRequest& nearest) {
  CLI::Option* corpus =
      sub.add_option("--nearest", nearest.corpus,
                     "What of a corpus is each sound nearest to, and is it a copy? A folder of "
                     "sounds, or what `ondes train` trained on; all inputs are sounds then")
          ->type_name("CORPUS");
  for (const char* other :
       {"--compare", "--manifest", "--metrics", "--gate", "--jsonl", "--report"}) {
    corpus->excludes(sub.get_option(other));
  }
  sub.add_option("--neighbours", nearest.count, "How many of the nearest are listed")
      ->check(CLI::Range(1, 1000))
      ->needs(corpus)
      ->capture_default_str();
}

}  // namespace

void add_eval_command(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand("eval", "Measures how near sounds are to their references");
  auto command = std::make_shared<EvalCommand>();
  EvaluationRequest& request = command->request;
  sub->add_option("inputs", command->inputs,
                  "REF GEN: two files or two folders; REF may be a score (.mid) and GEN its render")
      ->expected(0, kMaxInputs);
  sub->add_option("--compare", command->compare, "Two systems of the same references: A B")
      ->expected(2)
      ->type_name("A B");
  sub->add_option("--manifest", request.manifest, "Pairs: CSV (ref,gen[,id]) or .jsonl");
  sub->add_option("--metrics", request.metrics, "must, all, or a list of names")
      ->delimiter(',')
      ->capture_default_str();
  add_policies(*sub, request.policies);
  sub->add_option("--gate", request.gates,
                  "A threshold, as in 'mcd<5' or 'mean(mcd)<5'; repeatable")
      ->allow_extra_args(false);
  sub->add_flag("--require-all", request.require_all, "A sound without a partner is an error");
  sub->add_option("--csv", command->csv,
                  "A row a pair, when all are measured; - is standard output");
  sub->add_option("--jsonl", request.jsonl, "A line a pair, as they come");
  add_report_options(*sub, command->report);
  sub->add_flag("--resume", request.resume, "Keeps the lines of --jsonl that still hold");
  sub->add_flag("--json", command->json, "The summary as JSON on standard output");
  sub->add_option("--bootstrap", request.bootstrap_resamples, "Resamples of the intervals")
      ->check(CLI::Range(100, 1000000))
      ->capture_default_str();
  sub->add_option("--seed", request.bootstrap_seed, "Of the intervals")->capture_default_str();
  sub->add_option("--threads", request.threads, "Pairs at a time; 0: one a processor")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  sub->add_option("--progress", command->progress, "auto, json or none")->capture_default_str();
  sub->add_flag("--force", command->force,
                "Replace earlier outputs of ondes eval; nothing else is");
  add_nearest(*sub, command->nearest);
  const MetricSetting scores{.kind = MetricKind::scores, .policies = {}};
  sub->footer("Metrics: " + metric_names(must_metrics({})) +
              "; --metrics all has these too: " + metric_names(further_metrics()) +
              ".\nOf a render and its score: " + metric_names(all_metrics(scores)) +
              ".\nExit code 3: a pair could not be measured; 6: a gate was broken.");
  sub->callback([command, &action] { action = [command] { return run_eval(*command); }; });
}

}  // namespace ondes
