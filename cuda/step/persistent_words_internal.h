// What blocks across a chip say to each other: 64-bit words that carry their own readiness.
//
// A word is 32 bits of a value and, above them, the number of the sample it belongs to, from 1; zero
// is a word that nobody wrote. It is stored and loaded whole, so that whoever sees the number sees
// the value: no flag, no fence, and no order between words is assumed. Words of a lane:
//
//   x (1)              the sample, from the last head block to the first stage
//   h (stages, R)      what a stage begins with, from the stage before; those of stage 0 are unused
//   z (L, G)           gated outputs of every layer, from its stage to every head block
//   skip (S)           rectified skip sums, from the head block of the channel to the others
//   head (A)           rectified head values, likewise to those that make the last product
//   output (O)         the last product's, to the last head block, where all make it
//
// Each twice, for even and for odd samples. A word is written over two samples later, when nobody
// can want it any more: the writer has then read x of the sample between, or something made from it;
// x is made from every word of its sample, and a block reads the words of a sample before it writes
// those of the next. So each reader has read both samples' words. (One copy would do by the same
// argument; the second makes it hold for a block that is a whole sample late.)
// Plain data and index maps; any thread.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cuda/step/model_internal.h"
#include "engine/host_device.h"

namespace ondes::gpu {

using Word = std::uint64_t;

ONDES_HOST_DEVICE inline Word make_word(std::uint32_t bits, std::uint32_t sample) {
  return static_cast<Word>(sample) << 32U | bits;
}
ONDES_HOST_DEVICE inline std::uint32_t sample_of(Word word) {
  return static_cast<std::uint32_t>(word >> 32U);
}
ONDES_HOST_DEVICE inline std::uint32_t bits_of(Word word) {
  return static_cast<std::uint32_t>(word);
}

// Lanes of a call at most: more keep a chip busier with blocks of their own.
inline constexpr int kMostPersistentLanes = 8;
inline constexpr int kQuadsOfMisc = 3;  // a LaneMisc's room in scratch

// What waiting for words came to.
enum class Wait { ready, not_yet, gave_up };

// How a model is dealt out to the blocks of a chip: stages along the layers, then head blocks.
struct PersistentShape {
  int stages = 0;
  int heads = 0;
  bool holds_past = false;     // stages hold their past taps' weights too
  bool shares_output = false;  // the last product is every head block's, not the last one's
  ScratchMap head_map;         // of a head block; StepCall::map is a stage's
  Slicing head_slicing;

  ONDES_HOST_DEVICE int blocks() const { return stages + heads; }
  // The first of `count` layers or outputs that is part `part` of `parts`.
  ONDES_HOST_DEVICE static int first_of(int count, int part, int parts) {
    return static_cast<int>(static_cast<std::int64_t>(count) * part / parts);
  }
};

// Where the words of one sample of a lane lie.
struct WordMap {
  int h = 1;
  int z = 0;
  int skip = 0;
  int head = 0;
  int output = 0;
  int words = 0;

  ONDES_HOST_DEVICE WordMap(const StepModelView& model, const PersistentShape& shape) {
    z = h + shape.stages * model.residual;
    skip = z + model.layers * model.gate;
    head = skip + model.skip;
    output = head + model.head;
    words = output + (shape.shares_output ? model.outputs : 0);
  }
  ONDES_HOST_DEVICE std::size_t first(int lane, std::uint32_t sample) const {
    return (static_cast<std::size_t>(lane) * 2 + sample % 2) * static_cast<std::size_t>(words);
  }
  std::size_t bytes(int lanes) const { return sizeof(Word) * first(lanes, 0); }
};

}  // namespace ondes::gpu
