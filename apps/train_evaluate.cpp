// ondes-train evaluate: a note voice measured on recorded notes that it was never trained on.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>

#include "apps/cli_options.h"
#include "apps/exit_codes.h"
#include "apps/interrupt.h"
#include "apps/precision_names.h"
#include "apps/print.h"
#include "apps/train_commands.h"
#include "engine/error.h"
#include "engine/weights/voice_file.h"
#include "models/registry.h"
#include "models/training/note_batches.h"
#include "models/training/note_evaluation.h"
#include "models/training/teacher_forcing.h"

namespace ondes {
namespace {

struct EvaluateArguments {
  std::string voice;
  std::string corpus;
  std::string precision = "f32";
  std::optional<float> temperature;  // nothing: the voice's own
  std::uint64_t seed = 1;
  int threads = 2;
  int limit = 0;
  int likelihood_notes = 24;
  std::string split = "test";
  bool json = false;
};

void check_instruments(const NoteContract& contract,
                       const NoteCorpus& corpus,
                       const std::string& file) {
  for (std::size_t i = 0; i < corpus.instruments.size(); ++i) {
    if (i >= contract.instruments.size() || contract.instruments[i] != corpus.instruments[i].name) {
      throw Error(ErrorCode::bad_input, file +
                                            ": instruments: expected the voice's, in its order; "
                                            "found " +
                                            corpus.instruments[i].name);
    }
  }
  if (corpus.sample_rate_hz != contract.sample_rate_hz) {
    throw Error(ErrorCode::bad_input, file + ": sample_rate: expected " +
                                          std::to_string(contract.sample_rate_hz) + ", found " +
                                          std::to_string(corpus.sample_rate_hz));
  }
}

std::vector<int> held_out_notes(const NoteCorpus& corpus, const EvaluateArguments& arguments) {
  const Split split = arguments.split == "validation" ? Split::validation : Split::test;
  const int limit = arguments.limit;
  std::vector<int> all;
  for (int i = 0; i < static_cast<int>(corpus.notes.size()); ++i) {
    const CorpusNote& note = corpus.notes[static_cast<std::size_t>(i)];
    if (note.split == split && !note.is_neighbour) {
      all.push_back(i);
    }
  }
  if (all.empty()) {
    throw Error(ErrorCode::bad_input,
                "corpus: expected notes in the " + arguments.split + " split, found none");
  }
  if (limit <= 0 || limit >= static_cast<int>(all.size())) {
    return all;
  }
  std::vector<int> some;  // evenly over instruments and range
  for (int i = 0; i < limit; ++i) {
    some.push_back(all[static_cast<std::size_t>(i) * all.size() / static_cast<std::size_t>(limit)]);
  }
  return some;
}

// Mean log-likelihood of held-out recordings under each precision, nats a sample.
nlohmann::json likelihoods(const StepPlan& plan,
                           const NoteBatches& batches,
                           const std::vector<int>& notes,
                           int count) {
  nlohmann::json result;
  const std::vector<std::pair<const char*, Precision>> precisions = {
      {"f32", Precision::f32}, {"i16", Precision::i16}, {"i8", Precision::i8}};
  for (const auto& [name, precision] : precisions) {
    StepRunnerOptions options;
    options.precision = precision;
    options.max_lanes = 1;
    const auto runner = make_cpu_step_runner(plan, options);
    double sum = 0.0;
    long long samples = 0;
    for (int i = 0; i < count; ++i) {
      check_interrupted();
      const int note =
          notes[static_cast<std::size_t>(i) * notes.size() / static_cast<std::size_t>(count)];
      const int length =
          std::min(batches.analysis(note).audible_samples, batches.contract().sample_rate_hz);
      const ForcedNote forced = run_forced(runner.get(), batches.segment(note, 0, length, 0));
      sum += forced.log_likelihood * static_cast<double>(forced.samples);
      samples += forced.samples;
    }
    result[name] = sum / static_cast<double>(samples);
  }
  return result;
}

nlohmann::json number_or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

nlohmann::json to_json(const InstrumentSummary& s, const std::string& name) {
  return {{"instrument", name},
          {"notes", s.notes},
          {"pitch_measured", s.pitch_measured},
          {"pitch_within_20_cents", number_or_null(s.pitch_within_20_cents)},
          {"recorded_pitch_within_20_cents", number_or_null(s.recorded_within_20_cents)},
          {"median_pitch_error_cents", number_or_null(s.median_pitch_error_cents)},
          {"level_within_3_db", number_or_null(s.level_within_3_db)},
          {"median_level_error_db", number_or_null(s.median_level_error_db)},
          {"spectral_difference_db", number_or_null(s.spectral_db)},
          {"neighbour_spectral_difference_db", number_or_null(s.neighbour_spectral_db)},
          {"mu_law_spectral_difference_db", number_or_null(s.companded_spectral_db)},
          {"clicks", s.clicks},
          {"loud_tails", s.loud_tails}};
}

nlohmann::json to_json(const NoteFigures& f, const NoteCorpus& corpus) {
  const CorpusNote& note = corpus.notes[static_cast<std::size_t>(f.note)];
  return {{"instrument", corpus.instruments[static_cast<std::size_t>(note.instrument)].name},
          {"key", note.pitch_semitones},
          {"velocity", note.velocity},
          {"held_s", static_cast<double>(note.release_sample) / corpus.sample_rate_hz},
          {"pitch_error_cents", number_or_null(f.pitch_error_cents)},
          {"recorded_pitch_error_cents", number_or_null(f.recorded_pitch_error_cents)},
          {"level_error_db", number_or_null(f.level_error_db)},
          {"spectral_difference_db", number_or_null(f.spectral_db)},
          {"neighbour_spectral_difference_db", number_or_null(f.neighbour_spectral_db)},
          {"mu_law_spectral_difference_db", number_or_null(f.companded_spectral_db)},
          {"click", has_click(f)},
          {"tail_dbfs", number_or_null(f.tail_dbfs)}};
}

void print_table(const std::vector<InstrumentSummary>& summaries, const NoteCorpus& corpus) {
  std::printf(
      "| instrument | notes | pitch within 20 cents | (recording) | median cents | level within 3 "
      "dB | median dB | spectral dB | neighbour velocity dB | mu-law dB | clicks | loud tails |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (const InstrumentSummary& s : summaries) {
    const char* name =
        s.instrument < 0 ? "**all**"
                         : corpus.instruments[static_cast<std::size_t>(s.instrument)].name.c_str();
    std::printf(
        "| %s | %d | %.1f %% | %.1f %% | %.1f | %.1f %% | %.2f | %.2f | %.2f | %.2f | %d | %d |\n",
        name, s.notes, 100.0 * s.pitch_within_20_cents, 100.0 * s.recorded_within_20_cents,
        s.median_pitch_error_cents, 100.0 * s.level_within_3_db, s.median_level_error_db,
        s.spectral_db, s.neighbour_spectral_db, s.companded_spectral_db, s.clicks, s.loud_tails);
  }
}

int evaluate(const EvaluateArguments& arguments) {
  const VoiceFile voice = open_voice(arguments.voice);
  const LanePlan plan = compile_lane_plan(voice);
  const NoteContract contract =
      note_contract_from_json(voice.description->at("features"), arguments.voice);
  const NoteCorpus corpus = open_note_corpus(arguments.corpus);
  check_instruments(contract, corpus, arguments.corpus);
  const std::vector<int> notes = held_out_notes(corpus, arguments);
  EvaluationOptions options;
  options.precision = precision_names().at(arguments.precision);
  options.temperature = arguments.temperature.value_or(static_cast<float>(voice.temperature));
  options.seed = arguments.seed;
  options.threads = arguments.threads;
  const auto rendered =
      render_notes(plan, contract, corpus, notes, options, [](int done, int total) {
        std::fprintf(stderr, "rendered %d of %d notes\n", done, total);
        check_interrupted();
      });
  std::vector<NoteFigures> figures;
  for (std::size_t i = 0; i < notes.size(); ++i) {
    figures.push_back(measure_note(corpus, notes[i], rendered[i]));
  }
  const std::vector<InstrumentSummary> summaries = summarise(corpus, figures);
  nlohmann::json likelihood;
  const auto* step = std::get_if<StepPlan>(&plan);  // others give no likelihood
  if (arguments.likelihood_notes > 0 && step != nullptr) {
    const NoteBatches batches(corpus, contract);
    likelihood = likelihoods(*step, batches, notes,
                             std::min(arguments.likelihood_notes, static_cast<int>(notes.size())));
  }
  if (arguments.json) {
    nlohmann::json out = {{"voice", voice.name},
                          {"sha256", voice.sha256},
                          {"precision", arguments.precision},
                          {"temperature", options.temperature},
                          {"seed", arguments.seed},
                          {"split", arguments.split},
                          {"log_likelihood_nats_per_sample", likelihood}};
    for (const InstrumentSummary& s : summaries) {
      out["summary"].push_back(to_json(
          s, s.instrument < 0 ? "all"
                              : corpus.instruments[static_cast<std::size_t>(s.instrument)].name));
    }
    for (const NoteFigures& f : figures) {
      out["notes"].push_back(to_json(f, corpus));
    }
    print_json(out);
    return kExitDone;
  }
  std::printf("voice %s, %zu held-out notes, %s, temperature %.2f, seed %llu\n\n",
              voice.name.c_str(), notes.size(), arguments.precision.c_str(),
              static_cast<double>(options.temperature),
              static_cast<unsigned long long>(arguments.seed));
  print_table(summaries, corpus);
  for (const auto& [name, value] : likelihood.items()) {
    std::printf("%slog-likelihood %s: %.4f nats a sample (%.4f against f32)\n",
                name == likelihood.begin().key() ? "\n" : "", name.c_str(), value.get<double>(),
                value.get<double>() - likelihood.at("f32").get<double>());
  }
  return kExitDone;
}

}  // namespace

void add_train_evaluate_command(CLI::App& app, Action& action) {
  const auto arguments = std::make_shared<EvaluateArguments>();
  CLI::App* command =
      app.add_subcommand("evaluate", "measure a note voice on a corpus's held-out notes");
  command->add_option("--voice", arguments->voice, "voice file")->required();
  command->add_option("--corpus", arguments->corpus, "note corpus")->required();
  command->add_option("--precision", arguments->precision, "f32, i16 or i8")
      ->check(CLI::IsMember({"f32", "i16", "i8"}));
  command
      ->add_option("--temperature", arguments->temperature,
                   "spread of the sampling (default: the voice's)")
      ->check(finite_range(0.0, 4.0));
  command->add_option("--seed", arguments->seed);
  command->add_option("--render-threads", arguments->threads)->check(CLI::Range(1, 256));
  command->add_option("--limit", arguments->limit, "at most so many notes, spread evenly");
  command->add_option("--likelihood-notes", arguments->likelihood_notes,
                      "notes for the log-likelihood of each precision; 0: none");
  command
      ->add_option("--split", arguments->split,
                   "test, or validation: for choices that the test notes must not see")
      ->check(CLI::IsMember({"test", "validation"}));
  command->add_flag("--json", arguments->json, "figures of every note as JSON");
  command->callback(
      [arguments, &action] { action = [arguments] { return evaluate(*arguments); }; });
}

}  // namespace ondes
