// What a launch of the step kernels is given beside the model: lanes, their states, their buffers.
//
// All pointers are the device's. Buffers of a call are (lanes, samples) with rows of the call's
// lanes in the order of `lanes`. Plain data; any thread.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cuda/step/model_internal.h"
#include "cuda/step/persistent_words_internal.h"

namespace ondes::gpu {

struct DeviceLane {
  std::int64_t first_sample = 0;
  std::uint64_t seed = 0;
  std::uint64_t identity = 0;
  int slot = 0;
  int first_row = 0;  // in the call's rows
  int rows = 0;
  float temperature = 1.0F;
  int forced = 0;  // samples are the teacher's
  int scored = 0;  // and their likelihood is wanted
};

struct SlotState {
  std::uint32_t sample = 0;  // low bits of the count since start(): an index into rings
  float last = 0.0F;
};

// States of all slots, one after the other.
struct SlotsView {
  Quad* rings = nullptr;          // (slots, ring_vectors, quads_r)
  float* ring_scales = nullptr;   // (slots, ring_vectors), integer precisions
  float* conditioning = nullptr;  // (slots, L, 2G), of the row in force
  SlotState* states = nullptr;    // (slots)
};

// Which weights the blocks of a cluster hold in shared memory beside those of the chain.
struct ClusterHolds {
  bool skip = false;  // each stage its layers' part
  bool past = false;  // each stage its layers'
  bool head = false;  // the head block: the last two products
};

// A block's shared memory in the tensor-core kernels beside its lanes' scratch, which is where it
// begins: offsets in quads. Sums lie as step/tile_layout.h says. Pairs are the two sides of what
// blocks of a cluster hand on; one block alone uses the first.
struct TileMap {
  int acc = 0;        // (own layers, gate row tiles, column tiles, 32): conditioning and past taps
  int h[2] = {};      // (R's row tiles, column tiles, 32)
  int skip[2] = {};   // (S's row tiles, column tiles, 32)
  int held = 0;       // weights
  int head_held = 0;  // the head block's
  int layers = 1;     // room for so many layers' z and past vectors
  int groups = 1;     // of lanes in a cluster, in turns
  int most_groups = 1;
  int held_layers = 0;     // a block alone: the first so many
  bool hold_skip = false;  // a stage: beside the chain's
  bool hold_past = false;
  int held_head_tiles = 0;  // row tiles of the last two products, the rest are read in the image
  int held_output_tiles = 0;
};

struct StepCall {
  const std::byte* image = nullptr;
  std::uint32_t resident_bytes = 0;  // of the image, copied to shared memory by every block
  const DeviceLane* lanes = nullptr;
  int lane_count = 0;
  int samples = 0;
  SlotsView slots;
  const int* row_starts = nullptr;    // (rows)
  const float* projected = nullptr;   // (rows, L, 2G)
  const float* input_base = nullptr;  // (lanes, samples, R): bias and sample features
  const float* teacher = nullptr;     // (lanes, samples)
  float* output = nullptr;            // (lanes, samples)
  float* likelihood = nullptr;        // (lanes, samples)
  std::byte* scratch = nullptr;       // (blocks, kLanes, map.quads) of Quad; null: shared memory
  float* probe = nullptr;             // (samples, L*R + L*G + O) of lane probe_lane; may be null
  int probe_lane = -1;
  ScratchMap map;
  ScratchMap head_map;  // of a tensor-core cluster's head
  TileMap tile;
  Slicing slicing;
  ClusterHolds cluster;        // read by the cluster kernel alone
  PersistentShape persistent;  // read, with the words, by the kernel across the chip alone
  Word* words = nullptr;       // (lane_count, 2, WordMap::words), zero before a launch
};

// Dense layers over rows, and the input layer's part that is known ahead: before the step kernel.
struct DenseCall {
  const std::byte* image = nullptr;
  DenseView view;
  const float* x = nullptr;  // (rows, inputs)
  float* y = nullptr;        // (rows, outputs)
  int rows = 0;
};

}  // namespace ondes::gpu
