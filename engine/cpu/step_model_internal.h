// A step plan made ready for the vector kernels: packed weights in reading order, sizes, the state
// of a slot and the scratch of a group of lanes. Set-up thread: everything but SlotState::clear().
//
// Channels are padded to multiples of 16 (Rp, Gp, Sp, Ap, Op); padded weights, biases and values
// are zero. A layer's convolution has 2 Gp outputs: filters at 0, gates at Gp.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/cpu/huge_array.h"
#include "engine/cpu/packed_matrix.h"
#include "engine/ops/sampling.h"
#include "engine/plan/step_runner.h"

namespace ondes {

struct LayerModel {
  std::vector<PackedMatrix> taps;  // oldest first
  PackedMatrix residual;           // no outputs where the plan has none
  const float* residual_bias = nullptr;
  // History: a ring of `ring_mask + 1` rows at ring_offset bytes in the slot, scales at
  // scale_offset.
  std::int64_t dilation = 1;
  std::int64_t ring_mask = 0;
  std::size_t ring_offset = 0;
  std::size_t scale_offset = 0;
};

struct DenseModel {
  PackedMatrix matrix;
  const float* bias = nullptr;
  Activation activation = Activation::none;
};

struct SkipChunk {
  PackedMatrix matrix;
  std::size_t first_word = 0;  // of the concatenated gated outputs
};

struct StepModel {
  StepModel(const StepPlan& plan, DotFormat format, DotFormat output_format);
  StepModel(const StepModel&) = delete;  // the arena knows where the pointers are
  StepModel& operator=(const StepModel&) = delete;

  DotFormat format;
  DotFormat output_format;
  int layer_count;
  int taps;
  int r, g, o;             // unpadded, for probes
  int rp, gp, sp, ap, op;  // padded
  int sample_features;
  int row_features;
  std::size_t z_words;    // 32-bit words of a layer's gated outputs (one a step)
  std::size_t row_bytes;  // of a history row
  std::size_t slot_bytes = 0;
  std::size_t widest_encoder;

  std::vector<LayerModel> layers;
  std::vector<SkipChunk> skip;
  const float* skip_bias = nullptr;
  DenseModel head;
  DenseModel output;
  std::vector<DenseModel> encoder;
  PackedMatrix conditioning;  // (L * 2 Gp, C)
  const float* conditioning_bias = nullptr;
  PackedMatrix input_features;  // (Rp, P)
  const float* input_bias = nullptr;
  const float* input_scalar = nullptr;     // (Rp), the column of x(t-1)
  const float* input_embedding = nullptr;  // (classes, Rp)

  OutputSampler sampler;
  WeightArena arena;
};

// Samples a lane alone computes far past taps ahead of time.
inline constexpr int kPastWindow = 4;

// One lane's memory between calls.
struct SlotState {
  std::byte* history = nullptr;   // slot_bytes: rings, then their scales
  float* conditioning = nullptr;  // (L, 2 Gp), biases included
  std::int64_t sample = 0;
  float last = 0.0F;
};

// What a group of lanes needs within one sample; one a worker.
class StepScratch {
 public:
  void allocate(const StepModel& model, int lanes);
  // Base of each lane's region.
  float* past(int lane) noexcept { return at(lane, 0); }               // (L, 2 Gp)
  float* a(int lane) noexcept { return at(lane, a_); }                 // (2 Gp)
  float* h(int lane) noexcept { return at(lane, h_); }                 // (Rp)
  float* update(int lane) noexcept { return at(lane, update_); }       // (Rp)
  float* sums(int lane) noexcept { return at(lane, sums_); }           // max(Sp, Ap)
  float* out(int lane) noexcept { return at(lane, out_); }             // (Op)
  float* weights(int lane) noexcept { return at(lane, weights_); }     // (Op), of the sampler
  std::uint32_t* z(int lane) noexcept { return words(lane, z_); }      // (L * z_words), slack
  std::uint32_t* act(int lane) noexcept { return words(lane, act_); }  // (max(Sp, Ap))
  float* encoded(int which) noexcept { return encoded_[which]; }  // shared by the group's lanes
  float* probe_h(int lane) noexcept { return at(lane, probe_); }  // (L, Rp)
  LaneOperands* operands() noexcept { return operands_.data(); }  // (lanes)

 private:
  float* at(int lane, std::size_t offset) noexcept {
    return base_ + static_cast<std::size_t>(lane) * stride_ + offset;
  }
  std::uint32_t* words(int lane, std::size_t offset) noexcept {
    return reinterpret_cast<std::uint32_t*>(at(lane, offset));
  }
  HugeArray memory_;
  float* base_ = nullptr;
  float* encoded_[2] = {nullptr, nullptr};
  std::size_t stride_ = 0;
  std::size_t a_ = 0, h_ = 0, update_ = 0, sums_ = 0, out_ = 0, weights_ = 0, z_ = 0, act_ = 0,
              probe_ = 0;
  std::vector<LaneOperands> operands_;
};

}  // namespace ondes
