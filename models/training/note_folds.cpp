#include "models/training/note_folds.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/error.h"
#include "models/training/note_split.h"

namespace ondes {

std::vector<int> deal_folds(const NoteCorpus& corpus, int folds, std::uint64_t seed) {
  if (folds < 2) {
    throw Error(ErrorCode::usage, "folds: expected at least 2, found " + std::to_string(folds));
  }
  std::vector<std::vector<std::pair<double, std::size_t>>> of_instrument(corpus.instruments.size());
  for (std::size_t i = 0; i < corpus.notes.size(); ++i) {
    if (!corpus.notes[i].is_neighbour) {
      of_instrument[static_cast<std::size_t>(corpus.notes[i].instrument)].emplace_back(
          NoteDice(seed, i).uniform(), i);
    }
  }
  std::vector<int> fold_of(corpus.notes.size(), -1);
  int next = 0;
  for (std::size_t k = 0; k < of_instrument.size(); ++k) {
    auto& notes = of_instrument[k];
    if (!notes.empty() && notes.size() < static_cast<std::size_t>(folds)) {
      throw Error(ErrorCode::bad_input, "corpus: " + corpus.instruments[k].name +
                                            ": expected at least " + std::to_string(folds) +
                                            " notes, one a fold, found " +
                                            std::to_string(notes.size()));
    }
    std::sort(notes.begin(), notes.end());
    for (const auto& [dice, note] : notes) {
      fold_of[note] = next++ % folds;
    }
  }
  return fold_of;
}

NoteCorpus with_fold_held_out(const NoteCorpus& corpus, const std::vector<int>& fold_of, int fold) {
  NoteCorpus result = corpus;
  for (std::size_t i = 0; i < result.notes.size(); ++i) {
    Split& split = result.notes[i].split;
    if (fold_of[i] == fold) {
      split = Split::test;
    } else if (fold_of[i] >= 0 && split == Split::test) {
      split = Split::train;
    }
  }
  return result;
}

}  // namespace ondes
