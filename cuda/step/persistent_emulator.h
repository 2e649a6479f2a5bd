// The blocks of one launch that run at once, on the host: resumable bodies whose blocks meet in
// words (cuda/step/persistent_words_internal.h), in any interleaving.
//
// A turn is one step of one block. What makes an interleaving hostile is all here:
//   - blocks take turns in order, backwards, at random, each as long as it moves, or one of them only
//     when no other moves (starved);
//   - a stored word stays out of sight for a random number of turns, and words become visible in any
//     order (two stores to one word in theirs): no order between words is promised on a GPU either;
//   - a waiting block takes the words that are there, as each thread of a GPU does, and the others
//     later; threads run in a block's ThreadOrder.
// Found out: a word that was written over before its reader had read it (`lost`), and a chip in which
// no block can move (`stuck`): there every wait gives up, as on a GPU after so many looks, so that
// what follows can be seen too. What it cannot show: that a store becomes visible at all.
// Any thread; one emulation at a time.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "cuda/emulator.h"
#include "cuda/step/persistent_head_internal.h"
#include "cuda/step/persistent_internal.h"

namespace ondes::gpu {

enum class Turns { forwards, backwards, random, eager, starved };

struct EmulatedChipConfig {
  ThreadOrder order = ThreadOrder::forwards;
  Turns turns = Turns::forwards;
  std::uint64_t seed = 1;
  bool delayed = true;              // stores become visible at random, else at once
  int starved = 0;                  // which block, of Turns::starved
  std::int64_t dropped_store = -1;  // this store never becomes visible
};

struct EmulatedChipReport {
  bool lost = false;
  bool stuck = false;
  std::int64_t stores = 0;
  std::int64_t turns = 0;
  int launches = 0;
};

class EmulatedChip {
 public:
  explicit EmulatedChip(const EmulatedChipConfig& config) : config_(config), state_(config.seed) {}

  const EmulatedChipConfig& config() const { return config_; }
  EmulatedChipReport& report() { return report_; }

  std::uint64_t random(std::uint64_t below) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return (state_ >> 33U) % below;
  }

  void store(Word* at, Word value) {
    if (report_.stores++ != config_.dropped_store) {
      hidden_.push_back({at, value});
    }
  }

  // Some of the hidden stores become visible, or all of them.
  void settle(bool all) {
    if (all || !config_.delayed) {
      for (const auto& [at, value] : hidden_) {
        *at = value;
      }
      hidden_.clear();
      return;
    }
    for (std::uint64_t count = random(hidden_.size() + 1); count > 0; --count) {
      std::size_t chosen = random(hidden_.size());
      for (std::size_t i = 0; i < chosen; ++i) {  // an earlier store to the same word goes first
        chosen = hidden_[i].first == hidden_[chosen].first ? i : chosen;
      }
      *hidden_[chosen].first = hidden_[chosen].second;
      hidden_.erase(hidden_.begin() + static_cast<std::ptrdiff_t>(chosen));
    }
  }

 private:
  EmulatedChipConfig config_;
  EmulatedChipReport report_;
  std::uint64_t state_;
  std::vector<std::pair<Word*, Word>> hidden_;
};

class EmulatedChipBlock : public EmulatedBlock {
 public:
  EmulatedChipBlock(EmulatedChip& chip, int index, int threads, std::size_t shared_bytes)
      : EmulatedBlock(index, threads, shared_bytes, chip.config().order), chip_(chip) {}

  void publish(Word* at, Word value) { chip_.store(at, value); }

  template <typename At, typename Take>
  Wait await(int count, std::uint32_t sample, const At& at, const Take& take) {
    if (left_ < 0) {
      left_ = count;
      taken_.assign(static_cast<std::size_t>(count), false);
    }
    phase([&](int thread) {
      for (int i = thread; i < count; i += threads()) {
        const Word word = *at(i);
        const bool fresh = !taken_[static_cast<std::size_t>(i)];
        chip_.report().lost |= fresh && sample_of(word) > sample;
        if (fresh && sample_of(word) == sample) {
          taken_[static_cast<std::size_t>(i)] = true;
          --left_;
          take(i, bits_of(word));
        }
      }
    });
    if (left_ > 0) {
      return chip_.report().stuck ? Wait::gave_up : Wait::not_yet;
    }
    left_ = -1;
    return Wait::ready;
  }

 private:
  EmulatedChip& chip_;
  int left_ = -1;  // words of the wait that is going on; -1: none is
  std::vector<bool> taken_;
};

// A block of a chip and what it is, between turns.
class EmulatedPart {
 public:
  virtual ~EmulatedPart() = default;
  virtual Progress turn() = 0;
};

template <typename Body>
class EmulatedBody final : public EmulatedPart {
 public:
  EmulatedBody(EmulatedChip& chip,
               int index,
               int threads,
               std::size_t shared_bytes,
               const StepModelView& model,
               const StepCall& call)
      : block_(chip, index, threads, shared_bytes), body_(block_, model, call) {}

  Progress turn() override {
    if (!std::exchange(entered_, true)) {
      body_.enter();
      return Progress::moved;
    }
    const Progress progress = body_.advance();
    if (progress == Progress::finished) {
      body_.leave();
    }
    return progress;
  }

 private:
  EmulatedChipBlock block_;
  Body body_;
  bool entered_ = false;
};

// Runs the parts until all have finished; what was found out is in chip.report().
inline void emulate_chip(EmulatedChip& chip, std::vector<std::unique_ptr<EmulatedPart>>& parts) {
  const EmulatedChipConfig& config = chip.config();
  std::vector<bool> finished(parts.size(), false);
  const auto turn = [&](std::size_t i) {
    chip.settle(false);
    ++chip.report().turns;
    const Progress progress = finished[i] ? Progress::waiting : parts[i]->turn();
    finished[i] = finished[i] || progress == Progress::finished;
    return progress != Progress::waiting;
  };
  // One turn of every block but the starved one, in the order that is asked for.
  const auto round = [&] {
    bool moved = false;
    for (std::size_t n = 0; n < parts.size(); ++n) {
      std::size_t i = config.turns == Turns::backwards ? parts.size() - 1 - n : n;
      i = config.turns == Turns::random ? chip.random(parts.size()) : i;
      if (config.turns == Turns::starved && static_cast<int>(i) == config.starved) {
        continue;
      }
      while (turn(i)) {
        moved = true;
        if (config.turns != Turns::eager) {
          break;
        }
      }
    }
    return moved;
  };
  const auto all_finished = [&] {
    for (const bool one : finished) {
      if (!one) {
        return false;
      }
    }
    return true;
  };
  while (!all_finished()) {
    if (round()) {
      continue;
    }
    // Nobody moved: with every word in sight, the starved block too, somebody must.
    chip.settle(true);
    bool moved = false;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      moved = turn(i) || moved;
    }
    chip.report().stuck = chip.report().stuck || !moved;
  }
}

}  // namespace ondes::gpu
