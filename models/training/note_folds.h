// K folds of a note corpus: every note is held out once.
//
// Within each instrument the notes are ordered by dice of their own and dealt out in turn, so that
// folds are of one size and each has its share of every instrument. Recorded neighbours are dealt to
// no fold: they are a yardstick, never trained on, never counted.
//
// A fold's corpus is the same audio with other splits: the fold's notes are its test split; of the
// others those that the corpus validates with still do, and all the rest (the corpus's own test notes
// too) is trained on.
//
// Set-up thread.
#pragma once
#include <cstdint>
#include <vector>

#include "models/training/note_corpus.h"

namespace ondes {

// A fold a note, 0 to folds - 1; -1 for neighbours. Throws Error{bad_input} where an instrument has
// fewer notes than there are folds, Error{usage} for fewer than 2 folds.
std::vector<int> deal_folds(const NoteCorpus& corpus, int folds, std::uint64_t seed);

NoteCorpus with_fold_held_out(const NoteCorpus& corpus, const std::vector<int>& fold_of, int fold);

}  // namespace ondes
