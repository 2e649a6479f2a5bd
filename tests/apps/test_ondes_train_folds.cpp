// ondes-train evaluate --folds: every note is held out once, folds resume, intervals are printed.
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <set>

#include "models/training/evaluation_intervals.h"
#include "models/training/note_folds.h"
#include "tests/support/program.h"
#include "tests/support/synthetic_notes.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

struct FoldsRig {
  TemporaryFolder folder;

  FoldsRig() {
    write_synthetic_corpus(folder.path() / "corpus");
    std::ofstream(folder.file("recipe.json")) << synthetic_recipe().dump();
  }
  ProgramResult evaluate(std::vector<std::string> arguments,
                         const std::string& interrupt_after = "") const {
    arguments.insert(arguments.begin(), {"evaluate", "--corpus", "corpus"});
    return run_built("ondes-train", arguments, folder, {.interrupt_after = interrupt_after});
  }
  ProgramResult folds(const std::vector<std::string>& more = {},
                      const std::string& interrupt_after = "") const {
    std::vector<std::string> arguments{"--folds", "3", "--train", "recipe.json", "--work", "work"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return evaluate(arguments, interrupt_after);
  }
};

}  // namespace

TEST_CASE("folds hold every note out once, never a neighbour, each its share of every instrument") {
  const FoldsRig rig;
  const NoteCorpus corpus = open_note_corpus(rig.folder.path() / "corpus");
  const std::vector<int> fold_of = deal_folds(corpus, 3, 1);
  std::map<std::pair<int, int>, int> counts;  // by instrument and fold
  for (int fold = 0; fold < 3; ++fold) {
    const NoteCorpus held_out = with_fold_held_out(corpus, fold_of, fold);
    for (std::size_t i = 0; i < corpus.notes.size(); ++i) {
      if (corpus.notes[i].is_neighbour) {
        CHECK(fold_of[i] == -1);
        CHECK(held_out.notes[i].split != Split::train);
        continue;
      }
      CHECK((held_out.notes[i].split == Split::test) == (fold_of[i] == fold));
      counts[{corpus.notes[i].instrument, fold}] += fold_of[i] == fold ? 1 : 0;
    }
  }
  for (const auto& [key, count] : counts) {
    CHECK(count == 7);  // 21 notes an instrument
  }
  CHECK(deal_folds(corpus, 3, 1) == fold_of);
  CHECK(deal_folds(corpus, 3, 2) != fold_of);
  message_of(ErrorCode::usage, [&] { deal_folds(corpus, 1, 1); });
  check_contains(message_of(ErrorCode::bad_input, [&] { deal_folds(corpus, 22, 1); }),
                 {"reed", "at least 22", "21"});
}

TEST_CASE("intervals over folds are the bootstrap of the folds' own figures") {
  std::vector<InstrumentSummary> folds(3);
  const double spectral[] = {4.0, 5.0, 9.0};
  for (std::size_t i = 0; i < 3; ++i) {
    folds[i].notes = 10;
    folds[i].spectral_db = spectral[i];
    folds[i].neighbour_spectral_db = i == 0 ? 1.0 : std::nan("");
  }
  for (const FigureInterval& figure : intervals_over_folds(folds)) {
    if (figure.name == "spectral_difference_db") {
      CHECK(figure.count == 3);
      CHECK(*figure.mean == Approx(6.0));
      const Interval expected = *bootstrap_interval(spectral);
      CHECK(figure.interval->low == expected.low);
      CHECK(figure.interval->high == expected.high);
    }
    if (figure.name == "neighbour_spectral_difference_db") {  // of one fold only: no interval
      CHECK(figure.count == 1);
      CHECK_FALSE(figure.interval.has_value());
    }
  }
}

TEST_CASE("cross-validation trains a voice a fold, and resumes") {
  const FoldsRig rig;
  const ProgramResult stopped = rig.folds({"--json"}, "fold 2 of 3");
  INFO(stopped.err);
  REQUIRE(stopped.exit_code == 130);
  CHECK(std::filesystem::exists(rig.folder.file("work/fold-1/voice.safetensors")));
  CHECK_FALSE(std::filesystem::exists(rig.folder.file("work/fold-3")));

  const auto first =
      std::filesystem::last_write_time(rig.folder.file("work/fold-1/voice.safetensors"));
  const ProgramResult result = rig.folds({"--json"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(first ==
        std::filesystem::last_write_time(rig.folder.file("work/fold-1/voice.safetensors")));
  const nlohmann::json json = nlohmann::json::parse(result.out);
  CHECK(json.at("folds").size() == 3);
  CHECK(json.at("notes").size() == 42);  // all of them, once
  CHECK(json.at("summary").back().at("notes") == 42);
  const nlohmann::json& spectral = json.at("intervals_over_folds").at("spectral_difference_db");
  CHECK(spectral.at("count") == 3);
  CHECK(spectral.at("low") <= spectral.at("mean"));
  CHECK(spectral.at("mean") <= spectral.at("high"));

  const ProgramResult table = rig.folds();
  CHECK(table.exit_code == 0);
  check_contains(table.out, {"| fold |", "| 3 |", "| over folds | count | mean | 95 % interval |"});

  const ProgramResult other = rig.folds({"--folds-seed", "7"});
  CHECK(other.exit_code == 3);
  check_contains(other.err, {"folds.json", "seed"});
}

TEST_CASE("a voice's figures come with intervals, and its renders in pairs for ondes eval") {
  const FoldsRig rig;
  REQUIRE(rig.folds().exit_code == 0);
  const ProgramResult result = rig.evaluate(
      {"--voice", "work/fold-1/voice.safetensors", "--intervals", "--renders", "pairs", "--json"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const nlohmann::json json = nlohmann::json::parse(result.out);
  CHECK(json.at("intervals_over_notes").at("level_error_db").at("count") ==
        json.at("notes").size());
  std::set<std::string> recorded;
  for (const auto& entry : std::filesystem::directory_iterator(rig.folder.file("pairs/recorded"))) {
    recorded.insert(entry.path().filename().string());
    CHECK(std::filesystem::exists(rig.folder.file("pairs/rendered/") +
                                  entry.path().filename().string()));
  }
  CHECK(recorded.size() == json.at("notes").size());
}

TEST_CASE("folds without a training, and a voice with folds, are refused") {
  const FoldsRig rig;
  CHECK(rig.evaluate({}).exit_code == 2);
  CHECK(rig.evaluate({"--folds", "3"}).exit_code == 2);
  const ProgramResult both = rig.folds({"--voice", "v.safetensors"});
  CHECK(both.exit_code == 2);
  check_contains(both.err, {"--folds", "--train"});
  CHECK(rig.folds({"--intervals"}).exit_code == 2);
}
