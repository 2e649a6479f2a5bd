// A block plan: a streaming graph of convolutions that makes a block a call, as plain data.
//
// models/ compiles a configuration and its weights into one; runners (engine/cpu, cuda) execute it
// without knowing the model's name. A plan is a list of values (signals) and of operations in
// topological order; each operation reads values written before it.
//
// Time. Value v has rate.up / rate.down frames for every frame of the plan's input (input 0); a
// plan frame is one frame of that input. Every operation is defined on whole signals, as published:
// a convolution pads its own input at both ends. A runner reproduces exactly that from blocks: it
// keeps what an operation still needs of its input, makes what can be made, and pads the far end
// when the signal is finished. So outputs lag by the look-ahead of the operations, and their total
// length is exact.
//
//   convolution             y[t][o] = bias[o] + sum over k, i of w[o][i][k] x[t S + k D - P][i]
//   transposed convolution  y[t][o] = bias[o] + sum over s, k with s S + k - P = t of
//                                     sum over i of w[i][o][k] x[s][i]
//
// with S stride, D dilation, P left padding. Groups: output o sees the inputs of its group only.
// Every sum is one accumulator that starts at the bias and takes, in ascending order, first its
// input frames (oldest first), then the channels, by fused multiply-adds: any split into blocks,
// any thread count and any instruction set gives the same bits.
//
// Weights keep PyTorch's layouts (Conv1d (O, I / groups, K), ConvTranspose1d (I, O / groups, K)),
// so that a checkpoint's tensors are used in place; runners pack them.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace ondes {

using BlockValueId = int;
inline constexpr BlockValueId kNoValue = -1;

struct BlockRate {
  int up = 1;  // frames for every `down` plan frames, in lowest terms
  int down = 1;
  friend bool operator==(const BlockRate&, const BlockRate&) = default;
};

struct BlockValue {
  int channels = 0;
  BlockRate rate;
  std::string name;  // for messages, probes and parity reports: "ups.0", "resblocks.3.convs1.1"
};

enum class MapKind {
  none,
  relu,
  leaky_relu,  // x < 0 ? slope x : x
  tanh,
  sigmoid,
  silu,       // x sigmoid(x)
  gelu,       // x Phi(x), the exact form
  hard_tanh,  // clamp(x, -1, 1)
  snake,      // x + sin(alpha x)^2 / beta, a channel each (Ziyin et al., arXiv:2006.08195; BigVGAN)
  exp,
};

// An elementwise function. alpha and inverse_beta (C) for snake only: the compiler folds logarithmic
// scales and BigVGAN's 1e-9 into them.
struct BlockMap {
  MapKind kind = MapKind::none;
  float slope = 0.0F;
  std::span<const float> alpha;
  std::span<const float> inverse_beta;
};

enum class BlockPadding { zero, replicate, reflect };

// What becomes of a sum y: z = scale * (y + residual); `output` receives z, `mapped` map(z).
// At least one of the two is there.
struct BlockEpilogue {
  BlockValueId residual = kNoValue;
  float scale = 1.0F;
  BlockValueId output = kNoValue;
  BlockMap map;
  BlockValueId mapped = kNoValue;
};

struct BlockConv {
  BlockValueId input = kNoValue;
  int taps = 1;
  int stride = 1;
  int dilation = 1;
  int groups = 1;
  int pad_left = 0;  // input frames
  int pad_right = 0;
  BlockPadding padding = BlockPadding::zero;
  std::span<const float> weights;  // (O, I / groups, K)
  std::span<const float> bias;     // (O), or empty: zeros
  BlockEpilogue to;
};

struct BlockTransposedConv {
  BlockValueId input = kNoValue;
  int taps = 1;
  int stride = 1;
  int groups = 1;
  int trim_left = 0;  // PyTorch's `padding`: frames of the full result left out at either end
  int trim_right = 0;
  // Frames of its edges an input is extended by before (BigVGAN's anti-aliased activations).
  int replicate_left = 0;
  int replicate_right = 0;
  std::span<const float> weights;  // (I, O / groups, K)
  std::span<const float> bias;     // (O), or empty: zeros
  BlockEpilogue to;
};

// z = scale * sum of the inputs; what a multi-receptive-field fusion, a delay or a lone activation
// need.
struct BlockSum {
  std::vector<BlockValueId> inputs;
  float scale = 1.0F;
  BlockValueId output = kNoValue;
  BlockMap map;
  BlockValueId mapped = kNoValue;
};

// output = map_a(first C channels) * map_b(last C channels) of an input of 2 C channels.
struct BlockGate {
  BlockValueId input = kNoValue;
  BlockMap first;
  BlockMap second;
  BlockValueId output = kNoValue;
};

// Over channels: gain[c] (x[c] - mean) / sqrt(variance + epsilon) + bias[c].
struct BlockLayerNorm {
  BlockValueId input = kNoValue;
  float epsilon = 1e-6F;
  std::span<const float> gain;
  std::span<const float> bias;
  BlockValueId output = kNoValue;
};

// Layers of one LSTM stack, PyTorch's gate order (i, f, g, o); state starts at the given values.
struct BlockLstmLayer {
  int inputs = 0;
  int hidden = 0;
  std::span<const float> input_weights;   // (4 H, I)
  std::span<const float> hidden_weights;  // (4 H, H)
  std::span<const float> bias;            // (4 H), both of PyTorch's added
  std::span<const float> initial_hidden;  // (H), or empty: zeros
  std::span<const float> initial_cell;    // (H), or empty: zeros
};
struct BlockLstm {
  BlockValueId input = kNoValue;
  std::vector<BlockLstmLayer> layers;
  BlockValueId output = kNoValue;  // (H of the last layer)
};

// Frames of N/2 + 1 bins to samples: inverse FFT, window, overlap-add, division by the sum of
// squared windows (torch.istft with center: N/2 samples are left out at either end).
//   log_polar: channels [0, N/2] are ln magnitude, the rest is phase in radians
//   log_polar_sine: as above, the phase being the sine of the channel (iSTFTNet, arXiv:2203.02395)
struct BlockInverseStft {
  enum class Form { log_polar, log_polar_sine };
  BlockValueId input = kNoValue;  // N + 2 channels
  int fft_size = 0;
  int hop_samples = 0;
  std::span<const float> window;  // (N)
  Form form = Form::log_polar;
  float magnitude_limit = 0.0F;  // magnitudes are at most this; 0: no limit
  bool centred = true;
  BlockValueId output = kNoValue;  // 1 channel
};

using BlockOp = std::variant<BlockConv,
                             BlockTransposedConv,
                             BlockSum,
                             BlockGate,
                             BlockLayerNorm,
                             BlockLstm,
                             BlockInverseStft>;

// The least and the greatest number a channel of a signal took while it was calibrated.
struct BlockRange {
  float low = 0.0F;
  float high = 0.0F;
};

struct BlockPlan {
  int sample_rate_hz = 0;            // of the output
  std::vector<BlockValue> values;    // values[i] is value i
  std::vector<BlockValueId> inputs;  // inputs[0] gives the plan's frames
  BlockValueId output = kNoValue;    // 1 channel for audio
  std::vector<BlockOp> ops;          // in topological order, every value written once
  // Plan frames of zeros that a runner plays through, dropping what comes out, before the first
  // frame of a signal: 0 for everything that is padded, the receptive field for what was "prewarmed
  // with silence" (NAM). Such plans are causal (latency 0) and are not flushed.
  int prewarm_frames = 0;
  // Of every channel of every value, one value after another, for integer precisions; empty: not
  // calibrated (engine/plan/block_runner.h).
  std::vector<BlockRange> ranges;

  // Keeps the memory behind the spans alive.
  std::shared_ptr<const void> storage;
};

// Throws Error{bad_input} naming the operation, the field, what was expected and found.
void validate(const BlockPlan& plan);

// Plan frames that must be known beyond frame t before the output of frame t is complete.
int latency_frames(const BlockPlan& plan);

// Output frames for a whole signal of `frames` plan frames; exact.
long long output_frames(const BlockPlan& plan, long long frames);

// Multiplications with accumulation for one plan frame.
double macs_per_frame(const BlockPlan& plan);

}  // namespace ondes
