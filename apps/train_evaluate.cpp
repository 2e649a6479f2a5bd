// ondes-train evaluate: a note voice measured on recorded notes that it was never trained on, or a
// configuration by cross-validation.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "apps/cli_options.h"
#include "apps/evaluation_tables.h"
#include "apps/exit_codes.h"
#include "apps/interrupt.h"
#include "apps/precision_names.h"
#include "apps/print.h"
#include "apps/train_commands.h"
#include "apps/train_folds.h"
#include "dsp/audio_file.h"
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
  std::string renders;  // folder; "": none
  FoldsRequest folds;   // with a config: instead of a voice
  bool has_folds = false;
  bool intervals = false;
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

std::string stem_of(const NoteCorpus& corpus, int index) {
  const CorpusNote& note = corpus.notes[static_cast<std::size_t>(index)];
  char text[80];
  std::snprintf(text, sizeof text, "-key%06.2f-velocity%03d-note%d",
                static_cast<double>(note.pitch_semitones), note.velocity, index);
  return corpus.instruments[static_cast<std::size_t>(note.instrument)].name + text;
}

// FOLDER/recorded and FOLDER/rendered with files of the same stems: what `ondes eval` pairs.
void write_pair(const std::string& folder,
                const NoteCorpus& corpus,
                int note,
                std::span<const float> rendered) {
  const std::pair<const char*, std::span<const float>> sides[] = {
      {"recorded", corpus.audio(corpus.notes[static_cast<std::size_t>(note)])},
      {"rendered", rendered}};
  for (const auto& [side, samples] : sides) {
    const std::filesystem::path place = std::filesystem::path(folder) / side;
    std::error_code ignored;
    std::filesystem::create_directories(place, ignored);
    AudioFileWriter writer(
        (place / (stem_of(corpus, note) + ".wav")).string(),
        {.sample_rate_hz = corpus.sample_rate_hz, .format = SampleFormat::float32});
    writer.write(ConstFrames(samples.data(), static_cast<int>(samples.size()), 1));
    writer.finish();
  }
}

// Renders the notes free-running and measures each against its recording.
std::vector<NoteFigures> measured(const VoiceFile& voice,
                                  const LanePlan& plan,
                                  const NoteContract& contract,
                                  const NoteCorpus& corpus,
                                  const std::vector<int>& notes,
                                  const EvaluateArguments& arguments) {
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
    if (!arguments.renders.empty()) {
      write_pair(arguments.renders, corpus, notes[i], rendered[i]);
    }
  }
  return figures;
}

std::vector<std::string> names_of(std::span<const InstrumentSummary> summaries,
                                  const NoteCorpus& corpus) {
  std::vector<std::string> names;
  for (const InstrumentSummary& summary : summaries) {
    names.push_back(instrument_name(summary, corpus));
  }
  return names;
}

int evaluate_voice(const EvaluateArguments& arguments) {
  const VoiceFile voice = open_voice(arguments.voice);
  const LanePlan plan = compile_lane_plan(voice);
  const NoteContract contract =
      note_contract_from_json(voice.description->at("features"), arguments.voice);
  const NoteCorpus corpus = open_note_corpus(arguments.corpus);
  check_instruments(contract, corpus, arguments.corpus);
  const std::vector<int> notes = held_out_notes(corpus, arguments);
  const std::vector<NoteFigures> figures =
      measured(voice, plan, contract, corpus, notes, arguments);
  const std::vector<InstrumentSummary> summaries = summarise(corpus, figures);
  const std::vector<std::string> names = names_of(summaries, corpus);
  nlohmann::json likelihood;
  const auto* step = std::get_if<StepPlan>(&plan);  // others give no likelihood
  if (arguments.likelihood_notes > 0 && step != nullptr) {
    const NoteBatches batches(corpus, contract);
    likelihood = likelihoods(*step, batches, notes,
                             std::min(arguments.likelihood_notes, static_cast<int>(notes.size())));
  }
  const auto temperature = arguments.temperature.value_or(static_cast<float>(voice.temperature));
  const std::vector<FigureInterval> intervals =
      arguments.intervals ? intervals_over_notes(figures) : std::vector<FigureInterval>{};
  if (arguments.json) {
    nlohmann::json out = {{"voice", voice.name},
                          {"sha256", voice.sha256},
                          {"precision", arguments.precision},
                          {"temperature", temperature},
                          {"seed", arguments.seed},
                          {"split", arguments.split},
                          {"log_likelihood_nats_per_sample", likelihood}};
    if (arguments.intervals) {
      out["intervals_over_notes"] = intervals_json(intervals);
    }
    for (std::size_t i = 0; i < summaries.size(); ++i) {
      out["summary"].push_back(summary_json(summaries[i], names[i]));
    }
    for (const NoteFigures& f : figures) {
      out["notes"].push_back(note_json(f, corpus));
    }
    print_json(out);
    return kExitDone;
  }
  std::printf("voice %s, %zu held-out notes, %s, temperature %.2f, seed %llu\n\n",
              voice.name.c_str(), notes.size(), arguments.precision.c_str(),
              static_cast<double>(temperature), static_cast<unsigned long long>(arguments.seed));
  print_summaries(summaries, names, "instrument");
  if (arguments.intervals) {
    std::printf("\n");
    print_intervals(intervals, "notes");
  }
  for (const auto& [name, value] : likelihood.items()) {
    std::printf("%slog-likelihood %s: %.4f nats a sample (%.4f against f32)\n",
                name == likelihood.begin().key() ? "\n" : "", name.c_str(), value.get<double>(),
                value.get<double>() - likelihood.at("f32").get<double>());
  }
  return kExitDone;
}

int evaluate_folds(const EvaluateArguments& arguments) {
  const NoteCorpus corpus = open_note_corpus(arguments.corpus);
  FoldsRequest request = arguments.folds;
  request.corpus = arguments.corpus;
  const auto measure = [&](const std::string& path, const NoteCorpus& held_out,
                           const std::vector<int>& notes) {
    const VoiceFile voice = open_voice(path);
    const NoteContract contract = note_contract_from_json(voice.description->at("features"), path);
    check_instruments(contract, held_out, arguments.corpus);
    return measured(voice, compile_lane_plan(voice), contract, held_out, notes, arguments);
  };
  const FoldsResult result = cross_validate(request, corpus, measure);
  const std::vector<FigureInterval> intervals = intervals_over_folds(result.folds);
  const std::vector<std::string> names = names_of(result.instruments, corpus);
  if (arguments.json) {
    nlohmann::json out = {{"config", request.config},
                          {"folds_seed", request.seed},
                          {"precision", arguments.precision},
                          {"seed", arguments.seed},
                          {"intervals_over_folds", intervals_json(intervals)}};
    for (std::size_t fold = 0; fold < result.folds.size(); ++fold) {
      out["folds"].push_back(summary_json(result.folds[fold], "all"));
      for (const NoteFigures& f : result.figures[fold]) {
        out["notes"].push_back(note_json(f, corpus));
        out["notes"].back()["fold"] = fold + 1;
      }
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
      out["summary"].push_back(summary_json(result.instruments[i], names[i]));
    }
    print_json(out);
    return kExitDone;
  }
  std::vector<std::string> fold_names;
  for (std::size_t fold = 0; fold < result.folds.size(); ++fold) {
    fold_names.push_back(std::to_string(fold + 1));
  }
  std::printf("%s, %d folds, each note judged by a voice that was trained without it, %s\n\n",
              request.config.c_str(), request.folds, arguments.precision.c_str());
  print_summaries(result.folds, fold_names, "fold");
  std::printf("\n");
  print_summaries(result.instruments, names, "instrument");
  std::printf("\n");
  print_intervals(intervals, "folds");
  return kExitDone;
}

int evaluate(const EvaluateArguments& arguments) {
  const bool folds = !arguments.folds.config.empty();
  if (folds == !arguments.voice.empty() || folds != arguments.has_folds ||
      folds == arguments.folds.work.empty()) {
    throw Error(ErrorCode::usage,
                "expected --voice, or --folds with --train and --work: folds are of a training, "
                "which leaves each out once; --intervals says how sure a voice's figures are");
  }
  if (folds && (arguments.intervals || arguments.limit > 0)) {
    throw Error(ErrorCode::usage, "--folds: expected neither --intervals nor --limit");
  }
  return folds ? evaluate_folds(arguments) : evaluate_voice(arguments);
}

}  // namespace

void add_train_evaluate_command(CLI::App& app, Action& action) {
  const auto arguments = std::make_shared<EvaluateArguments>();
  CLI::App* command =
      app.add_subcommand("evaluate", "measure a note voice on a corpus's held-out notes");
  command->add_option("--voice", arguments->voice, "voice file");
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
  command->add_flag("--intervals", arguments->intervals,
                    "means over the notes with 95 % bootstrap intervals");
  command->add_option("--renders", arguments->renders,
                      "folder for what was played: recorded/ and rendered/, for `ondes eval`");
  command->add_flag("--json", arguments->json, "figures of every note as JSON");
  FoldsRequest& folds = arguments->folds;
  const CLI::Option* count =
      command
          ->add_option("--folds", folds.folds,
                       "cross-validation: deals all notes into so many folds and trains a voice "
                       "without each; needs --train and --work, resumes by itself")
          ->check(CLI::Range(2, 1000));
  command->add_option("--train", folds.config,
                      "of --folds: configuration (samples/configs/*.json)");
  command->add_option("--work", folds.work, "of --folds: folder for checkpoints and voices");
  command->add_option("--folds-seed", folds.seed, "of the dealing");
  command->add_option("--device", folds.device, "of --folds: cpu or cuda");
  command->callback([arguments, count, &action] {
    arguments->has_folds = count->count() > 0;
    action = [arguments] { return evaluate(*arguments); };
  });
}

}  // namespace ondes
