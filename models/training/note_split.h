// How a corpus's notes fall into training, validation and test: by note, each by its own dice, so
// that adding an instrument or a key moves no other note to another side. Shared by all corpora.
// Any thread.
#pragma once
#include <cstdint>

#include "engine/random/philox.h"
#include "models/training/note_corpus.h"

namespace ondes {

// Uniform draws of one note, independent of every other note's.
class NoteDice {
 public:
  NoteDice(std::uint64_t seed, std::uint64_t note) : seed_(seed), note_(note) {}
  double uniform() {
    if (used_ == 4) {
      block_ = philox_draw(seed_, note_, counter_++);
      used_ = 0;
    }
    return static_cast<double>(uniform_open(block_[used_++]));
  }

 private:
  std::uint64_t seed_;
  std::uint64_t note_;
  std::uint64_t counter_ = 0;
  PhiloxBlock block_{};
  std::size_t used_ = 4;
};

struct SplitShares {
  double test = 0.04;  // of notes
  double validation = 0.03;
};

// `fate` is one uniform draw.
inline Split split_of(double fate, const SplitShares& shares) {
  return fate < shares.test                       ? Split::test
         : fate < shares.test + shares.validation ? Split::validation
                                                  : Split::train;
}

}  // namespace ondes
