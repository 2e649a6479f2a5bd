// Convolutions of block plans on tensor cores: an implicit product of (frames, taps x channels) with
// (taps x channels, outputs), in halves with f32 sums (cuda/warp_tile.h).
//
// A warp makes 16 kM frames of 8 kN outputs in its registers, walking taps and, within a tap, chunks
// of 32 channels; nothing is unfolded and nothing staged. A thread loads 16 bytes at a time: of A
// eight neighbouring channels of a frame, of B what pack_tensor_weights() laid out for it. Any
// assignment of channels to the product's depth is right that A and B share, and any of outputs to
// columns: tile_channel() and tile_output() name those by which loads and stores of 16 bytes need no
// exchange between threads. The warps of a block take successive frames and share weights, in two rows
// that share frames, through the first-level cache.
//
// A long sum is cut into slices (TensorSlices), each taken in the order of taps, chunks, then the
// tile's own; slice 0 begins at the bias, slices are added in ascending order. That depends on the
// shape alone, not on kM, kN and the block, so any cutting of a signal gives the same halves. A warp
// takes the slices of its tile one after the other, or, where frames are few, the warps of a block
// one slice each of the same tile. Only for devices with such cores (sm_80); inputs in
// halves, channels in and out multiples of 8, one group. Any thread.
#pragma once
#include <cstddef>
#include <cstdint>

#include "cuda/block/conv_internal.h"
#include "cuda/warp_tile.h"

namespace ondes::gpu {

inline constexpr int kChunkChannels = 32;  // of two tiles' depth
inline constexpr int kOutputGroup = 32;    // of four tiles' columns
inline constexpr int kTensorThreads = 8 * kWarpThreads;
inline constexpr std::size_t kSplitSharedBytes = kTensorThreads * sizeof(TileSum);

// Of a chunk: the channel at depth k of its product `step` (0, 1). A thread's eight are neighbours.
ONDES_HOST_DEVICE constexpr int tile_channel(int step, int k) {
  return k % 8 / 2 * 8 + step * 4 + k / 8 * 2 + k % 2;
}
// Of a group: the output in column c of its tile n (0..3). A thread's eight are neighbours.
ONDES_HOST_DEVICE constexpr int tile_output(int n, int c) {
  return c / 2 * 8 + n * 2 + c % 2;
}

inline int tensor_chunks(const ConvOp& op) {
  return (op.group_inputs + kChunkChannels - 1) / kChunkChannels;
}

// Which tile a warp makes.
struct TensorTask {
  int phase = 0;
  int frame = 0;
  int group = 0;  // of outputs
  int tile = 0;   // first of the group's four
  bool any = false;
};

// How a sum of `steps` chunks is cut: shorter slices would cost more to add than they save.
struct TensorSlices {
  static constexpr int kMost = 8;
  static constexpr int kLeastSteps = 8;

  ONDES_HOST_DEVICE explicit TensorSlices(int all) : steps(all) {
    count = all / kLeastSteps;
    count = count < 1 ? 1 : (count > kMost ? kMost : count);
    each = (all + count - 1) / count;
  }
  ONDES_HOST_DEVICE int first(int slice) const {
    return slice * each < steps ? slice * each : steps;
  }

  int steps = 0;
  int count = 1;
  int each = 0;
};

// kWarps warps of a block on tiles of successive frames, in two rows of outputs where there are so many.
template <int kM, int kN, int kWarps>
struct TensorGrid {
  static constexpr int kFrames = kM * kTileRows;  // of a warp
  static constexpr int kOutputs = kN * kTileColumns;

  ONDES_HOST_DEVICE static int output_warps(const ConvOp& op) {
    return kWarps > 1 && op.padded_outputs > kOutputs ? 2 : 1;
  }
  ONDES_HOST_DEVICE static int frame_blocks(const ConvOp& op, int new_frames) {
    const int phases = op.phases > 0 ? op.phases : 1;
    const int block_frames = kFrames * (kWarps / output_warps(op));
    return ((new_frames + phases - 1) / phases + block_frames - 1) / block_frames;
  }
  ONDES_HOST_DEVICE static int output_blocks(const ConvOp& op) {
    const int block_outputs = kOutputs * output_warps(op);
    return (op.padded_outputs + block_outputs - 1) / block_outputs;
  }
  ONDES_HOST_DEVICE static int blocks(const ConvOp& op, int new_frames) {
    return (op.phases > 0 ? op.phases : 1) * frame_blocks(op, new_frames) * output_blocks(op);
  }
  ONDES_HOST_DEVICE static TensorTask task(const ConvOp& op, int new_frames, int block, int warp) {
    const int outputs = output_blocks(op);
    const int frames = frame_blocks(op, new_frames);
    const int frame_warps = kWarps / output_warps(op);
    const int columns = (block % outputs * output_warps(op) + warp / frame_warps) * kOutputs;
    TensorTask task;
    task.frame = (block / outputs % frames * frame_warps + warp % frame_warps) * kFrames;
    task.phase = block / outputs / frames;
    task.group = columns / kOutputGroup;
    task.tile = columns % kOutputGroup / kTileColumns;
    task.any = columns < op.padded_outputs;
    return task;
  }
};

template <int kM, int kN, typename Block>
class TensorConv {
  using Warp = typename Block::Warp;
  template <typename T>
  using Registers = typename Warp::template Registers<T>;

  struct Rows {
    int at[static_cast<std::size_t>(2 * kM)];
  };

  // Chunks whose loads are under way together, as registers allow.
  static constexpr int kAhead = kM * kN >= 16 ? 1 : (kM * kN >= 8 ? 2 : 4);
  static constexpr auto kRows = static_cast<std::size_t>(2 * kM);
  static constexpr auto kTiles = static_cast<std::size_t>(kM * kN);
  static constexpr auto kColumns = static_cast<std::size_t>(kN);
  static constexpr auto kDepth = static_cast<std::size_t>(kAhead);

 public:
  ONDES_HOST_DEVICE TensorConv(const BlockMemory& memory, const ConvOp& op)
      : memory_(memory), op_(op), input_(view_of(memory, op.input)) {}

  // Finds what a warp makes; false if that is nothing. `Grid`: one task a warp of a block, or a block.
  template <class Grid>
  ONDES_HOST_DEVICE ONDES_FORCE_INLINE bool find(int block, int warp) {
    const RingView output =
        view_of(memory_, op_.to.output.value != kNoValue ? op_.to.output : op_.to.mapped);
    task_ = Grid::task(op_, output.count(), block, warp);
    if (!task_.any) {
      return false;
    }
    phase_ = phase_view(op_, input_, output, task_.phase);
    inside_ = task_.frame < phase_.count && is_inside();
    return task_.frame < phase_.count;
  }
  ONDES_HOST_DEVICE TensorSlices slices() const { return TensorSlices(phase_.taps * op_.chunks); }

  // All slices one after the other, and the result.
  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void make(const Warp& warp) {
    const TensorSlices slices = this->slices();
    Registers<TileSum> total[kTiles];
    for (int slice = 0; slice < slices.count; ++slice) {
      sum_slice(warp, slices, slice);
      ONDES_UNROLL
      for (int tile = 0; tile < kM * kN; ++tile) {
        warp.each([&](int place) {
          total[at(tile)][place] = slice == 0
                                       ? sums_[at(tile)][place]
                                       : added(total[at(tile)][place], sums_[at(tile)][place]);
        });
      }
    }
    finish(warp, total);
  }

  // One slice into `to`, a thread's sums each; and the result of all of them from there. One tile.
  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void make_slice(const Warp& warp, int slice, TileSum* to) {
    sum_slice(warp, slices(), slice);
    warp.each([&](int place) { to[slice * kWarpThreads + place] = sums_[0][place]; });
  }
  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void add_slices(const Warp& warp, const TileSum* from) {
    Registers<TileSum> total[1];
    warp.each([&](int place) {
      TileSum sum = from[place];
      for (int slice = 1; slice < slices().count; ++slice) {
        sum = added(sum, from[slice * kWarpThreads + place]);
      }
      total[0][place] = sum;
    });
    finish(warp, total);
  }

 private:
  ONDES_HOST_DEVICE static std::size_t at(int i) { return static_cast<std::size_t>(i); }

  // First of the 2 kN neighbouring outputs that a thread makes of every frame.
  ONDES_HOST_DEVICE int first_output(int place) const {
    return task_.group * kOutputGroup + tile_output(task_.tile, place % 4 * 2);
  }

  ONDES_HOST_DEVICE static TileSum added(const TileSum& a, const TileSum& b) {
    TileSum sum;
    ONDES_UNROLL
    for (int i = 0; i < 4; ++i) {
      sum.values[i] = a.values[i] + b.values[i];
    }
    return sum;
  }

  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void sum_slice(const Warp& warp,
                                                      const TensorSlices& slices,
                                                      int slice) {
    begin(warp, slice == 0);
    const int end = slices.first(slice + 1);
    tap_ = slices.first(slice) / op_.chunks;
    chunk_ = slices.first(slice) % op_.chunks;
    fresh_ = true;
    for (int step = slices.first(slice); step < end; step += kAhead) {
      ONDES_UNROLL
      for (int ahead = 0; ahead < kAhead; ++ahead) {
        if (step + ahead < end) {
          load(warp, step + ahead, ahead);
        }
      }
      ONDES_UNROLL
      for (int ahead = 0; ahead < kAhead; ++ahead) {
        if (step + ahead < end) {
          multiply(warp, ahead);
        }
      }
    }
  }

  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void begin(const Warp& warp, bool with_bias) {
    warp.each([&](int place) {
      const float* bias = in_image<float>(memory_, op_.bias) + first_output(place);
      ONDES_UNROLL
      for (int n = 0; n < kN; ++n) {
        ONDES_UNROLL
        for (int m = 0; m < kM; ++m) {
          TileSum& sum = sums_[at(m * kN + n)][place];
          ONDES_UNROLL
          for (int i = 0; i < 4; ++i) {
            sum.values[i] = with_bias ? bias[2 * n + i % 2] : 0.0F;
          }
        }
      }
    });
  }

  // True if all that the warp reads stands in the ring one frame after the other, without padding:
  // then frames of a tap are those of the tap before, a constant further.
  ONDES_HOST_DEVICE bool is_inside() const {
    const int frames =
        phase_.count - task_.frame < kM * kTileRows ? phase_.count - task_.frame : kM * kTileRows;
    const int first = phase_.first_read + task_.frame * phase_.read_step;
    const int reach = (frames - 1) * phase_.read_step + (phase_.taps - 1) * phase_.tap_step;
    return first >= -input_.made && first + reach < input_.count() && first > -input_.capacity &&
           input_.row_of(first) + reach < input_.capacity;
  }

  // Where the frames of tap tap_ begin in the ring, in bytes; -1 for a frame of zeros.
  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void find_rows(const Warp& warp) {
    warp.each([&](int place) {
      Rows& rows = rows_[place];
      ONDES_UNROLL
      for (int r = 0; r < 2 * kM; ++r) {
        if (inside_ && !fresh_) {
          rows.at[r] += phase_.tap_step * input_.frame_bytes;
          continue;
        }
        const int frame = task_.frame + r * 8 + place / 4;
        const int known = frame < phase_.count ? frame : phase_.count - 1;  // sums of no output
        const int rel = phase_.first_read + tap_ * phase_.tap_step + known * phase_.read_step;
        const int there = inside_ ? rel : padded_rel(op_, input_, rel);
        rows.at[r] = there == kNoFrame ? -1 : input_.row_of(there) * input_.frame_bytes;
      }
    });
  }

  // A and B of the next chunk.
  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void load(const Warp& warp, int step, int ahead) {
    if (chunk_ == 0 || fresh_) {
      find_rows(warp);
      fresh_ = false;
    }
    warp.each([&](int place) {
      const int channel = chunk_ * kChunkChannels + place % 4 * 8;
      const bool there = channel < op_.group_inputs;
      ONDES_UNROLL
      for (int r = 0; r < 2 * kM; ++r) {
        const int row = rows_[place].at[r];
        a_[at(ahead)][at(r)][place] =
            row >= 0 && there
                ? *reinterpret_cast<const EightHalves*>(input_.data + row + 2 * channel)
                : EightHalves{};
      }
      const int tiles = op_.padded_outputs / kTileColumns;
      const int tile = task_.group * (kOutputGroup / kTileColumns) + task_.tile;
      const auto row = at(phase_.first_tap * op_.chunks + step) * at(tiles) + at(tile);
      const EightHalves* weights =
          in_image<EightHalves>(memory_, op_.weights) + row * at(kWarpThreads) + at(place);
      ONDES_UNROLL
      for (int n = 0; n < kN; ++n) {
        b_[at(ahead)][at(n)][place] = weights[n * kWarpThreads];
      }
    });
    chunk_ = chunk_ + 1 < op_.chunks ? chunk_ + 1 : 0;
    tap_ += chunk_ == 0 ? 1 : 0;
  }

  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void multiply(const Warp& warp, int ahead) {
    ONDES_UNROLL
    for (int s = 0; s < 2; ++s) {
      ONDES_UNROLL
      for (int m = 0; m < kM; ++m) {
        Registers<TileA> a;
        warp.each([&](int place) {
          const EightHalves& upper = a_[at(ahead)][at(2 * m)][place];
          const EightHalves& lower = a_[at(ahead)][at(2 * m + 1)][place];
          a[place] = {{upper.words[2 * s], lower.words[2 * s], upper.words[2 * s + 1],
                       lower.words[2 * s + 1]}};
        });
        ONDES_UNROLL
        for (int n = 0; n < kN; ++n) {
          Registers<TileB> b;
          warp.each([&](int place) {
            const EightHalves& weights = b_[at(ahead)][at(n)][place];
            b[place] = {{weights.words[2 * s], weights.words[2 * s + 1]}};
          });
          multiply_tile(a, b, sums_[at(m * kN + n)]);
        }
      }
    }
  }

  template <class Total>
  ONDES_HOST_DEVICE ONDES_FORCE_INLINE void finish(const Warp& warp, const Total& total) {
    // Only now: its rings would take registers from the product.
    const EpilogueView to(memory_, op_.to);
    warp.each([&](int place) {
      const int output = first_output(place);
      if (output >= op_.group_outputs) {
        return;
      }
      ONDES_UNROLL
      for (int r = 0; r < 2 * kM; ++r) {
        const int frame = task_.frame + r * 8 + place / 4;
        float values[2 * kColumns];
        ONDES_UNROLL
        for (int n = 0; n < kN; ++n) {
          const TileSum& sum = total[at(r / 2 * kN + n)][place];
          values[2 * n] = sum.values[r % 2 * 2];
          values[2 * n + 1] = sum.values[r % 2 * 2 + 1];
        }
        if (frame < phase_.count) {
          to.template finish_run<2 * kN>(phase_.first_output + frame * phase_.output_step, output,
                                         values);
        }
      }
    });
  }

  const BlockMemory& memory_;
  const ConvOp& op_;
  RingView input_;
  TensorTask task_;
  PhaseView phase_;
  bool inside_ = false;
  bool fresh_ = true;  // rows_ is of no tap yet
  int tap_ = 0;        // of the next load; likewise chunk_
  int chunk_ = 0;
  Registers<Rows> rows_;
  Registers<TileSum> sums_[kTiles];
  Registers<EightHalves> a_[kDepth][kRows];
  Registers<EightHalves> b_[kDepth][kColumns];
};

template <int kM, int kN>
using TensorTiles = TensorGrid<kM, kN, kTensorThreads / kWarpThreads>;
using TensorSplit = TensorGrid<1, 1, 1>;

template <int kM, int kN, typename Block>
ONDES_HOST_DEVICE void run_tensor_conv(Block& block, const BlockMemory& memory, const ConvOp& op) {
  block.warp_phase([&](auto& warp) {
    TensorConv<kM, kN, Block> conv(memory, op);
    if (conv.template find<TensorTiles<kM, kN>>(block.index(), warp.index())) {
      conv.make(warp);
    }
  });
}

// A block a tile, a warp a slice; the first warp adds them.
template <typename Block>
ONDES_HOST_DEVICE void run_split_conv(Block& block, const BlockMemory& memory, const ConvOp& op) {
  auto* sums = reinterpret_cast<TileSum*>(block.shared());
  block.warp_phase([&](auto& warp) {
    TensorConv<1, 1, Block> conv(memory, op);
    if (conv.template find<TensorSplit>(block.index(), 0) && warp.index() < conv.slices().count) {
      conv.make_slice(warp, warp.index(), sums);
    }
  });
  block.warp_phase([&](auto& warp) {
    TensorConv<1, 1, Block> conv(memory, op);
    if (warp.index() == 0 && conv.template find<TensorSplit>(block.index(), 0)) {
      conv.add_slices(warp, sums);
    }
  });
}

}  // namespace ondes::gpu
