// ondes-train corpus: a note corpus from a configuration.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <limits>
#include <memory>

#include "apps/exit_codes.h"
#include "apps/interrupt.h"
#include "apps/train_commands.h"
#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/weights/voice_file.h"
#include "models/training/recordings_corpus.h"
#include "models/training/soundfont_corpus.h"

namespace ondes {
namespace {

constexpr int kMaxSeed = std::numeric_limits<int>::max();

SoundfontCorpusSpec soundfont_spec(JsonFields& c, const std::string& where) {
  SoundfontCorpusSpec spec;
  spec.soundfont = c.text("soundfont");
  spec.soundfont_licence = c.text("soundfont_licence");
  spec.sample_rate_hz = c.integer("sample_rate", kMinSampleRateHz, kMaxSampleRateHz);
  spec.synth_gain = c.number("synth_gain", 0.0, 10.0, spec.synth_gain);
  spec.notes_per_key = c.integer("notes_per_key", 1, 64, spec.notes_per_key);
  spec.shortest_s = c.number("shortest_s", 0.01, 600.0, spec.shortest_s);
  spec.longest_s = c.number("longest_s", 0.01, 600.0, spec.longest_s);
  spec.longest_release_s = c.number("longest_release_s", 0.0, 600.0, spec.longest_release_s);
  spec.bend_semitones = c.number("bend_semitones", 0.0, 2.0, spec.bend_semitones);
  spec.test_share = c.number("test_share", 0.0, 1.0, spec.test_share);
  spec.validation_share = c.number("validation_share", 0.0, 1.0, spec.validation_share);
  spec.seed = static_cast<std::uint64_t>(c.integer("seed", 0, kMaxSeed, 1));
  for (const auto& entry : c.objects("instruments", {1, 256})) {
    JsonFields i(entry, where + ": instruments");
    spec.instruments.push_back({i.text("name"), i.integer("program", 0, 127),
                                i.integer("lowest_key", 0, 127), i.integer("highest_key", 0, 127)});
    i.refuse_unknown();
  }
  return spec;
}

RecordingsCorpusSpec recordings_spec(JsonFields& c, const std::string& where) {
  RecordingsCorpusSpec spec;
  spec.recordings = c.text("recordings");
  spec.licence = c.text("licence");
  spec.sample_rate_hz = c.integer("sample_rate", kMinSampleRateHz, kMaxSampleRateHz);
  spec.longest_s = c.number("longest_s", 0.05, 600.0, spec.longest_s);
  spec.shares.test = c.number("test_share", 0.0, 1.0, spec.shares.test);
  spec.shares.validation = c.number("validation_share", 0.0, 1.0, spec.shares.validation);
  spec.seed = static_cast<std::uint64_t>(c.integer("seed", 0, kMaxSeed, 1));
  for (const auto& entry : c.objects("instruments", {1, 256})) {
    JsonFields i(entry, where + ": instruments");
    spec.instruments.push_back({i.text("name"), i.integer("program", 0, 127)});
    i.refuse_unknown();
  }
  return spec;
}

void print_progress(int done, int total) {
  check_interrupted();
  if (done % 50 == 0 || done == total) {
    std::fprintf(stderr, "corpus: %d of %d notes\n", done, total);
  }
}

void print_report(const RecordingsReport& report) {
  for (const auto& remark : report.left_out) {
    std::fprintf(stderr, "corpus: left out: %s: %s\n", remark.file.c_str(), remark.text.c_str());
  }
  for (const auto& remark : report.warnings) {
    std::fprintf(stderr, "corpus: warning: %s: %s\n", remark.file.c_str(), remark.text.c_str());
  }
  if (!report.ignored.empty()) {
    std::string list;
    for (const std::string& opcode : report.ignored) {
      list += " " + opcode;
    }
    std::fprintf(stderr, "corpus: SFZ opcodes without effect:%s\n", list.c_str());
  }
  std::fprintf(stderr, "corpus: %d notes used, %zu left out\n", report.notes,
               report.left_out.size());
}

}  // namespace

void make_corpus(const nlohmann::json& recipe,
                 const std::string& file,
                 const std::filesystem::path& folder) {
  JsonFields fields(recipe, file);
  const std::string where = file + ": corpus";
  JsonFields c(fields.object("corpus"), where);
  if (c.has("soundfont") == c.has("recordings")) {
    c.refuse("recordings", "either this or soundfont", c.has("recordings") ? "both" : "neither");
  }
  if (c.has("soundfont")) {
    const SoundfontCorpusSpec spec = soundfont_spec(c, where);
    c.refuse_unknown();
    make_soundfont_corpus(spec, folder, print_progress);
  } else {
    const RecordingsCorpusSpec spec = recordings_spec(c, where);
    c.refuse_unknown();
    print_report(make_recordings_corpus(spec, folder, print_progress));
  }
}

void add_train_corpus_command(CLI::App& app, Action& action) {
  struct Arguments {
    std::string config;
    std::string out;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("corpus", "make a note corpus");
  command->add_option("--config", arguments->config, "configuration (samples/configs/*.json)")
      ->required();
  command->add_option("-o,--out", arguments->out, "folder to write")->required();
  command->callback([arguments, &action] {
    action = [arguments] {
      make_corpus(read_json_file(arguments->config), arguments->config, arguments->out);
      return kExitDone;
    };
  });
}

}  // namespace ondes
