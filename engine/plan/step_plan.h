// A step plan: an autoregressive stack that makes one sample a lane a step, as plain data.
//
// models/ compiles a configuration and its weights into one; runners (engine/cpu, cuda) execute it
// without knowing the model's name. Per sample t, with c = the encoded conditioning row in force:
//
//   h_0   = W_in [x(t-1) ; f(t)] + b_in          (or E[class(t-1)] + W_in f(t) + b_in)
//   a_l   = sum over k of W_l,k h_l(t - (K-1-k) d_l)  +  b_l + V_l c
//   z_l   = tanh(a_l[0..G)) * sigmoid(a_l[G..2G))
//   h_l+1 = h_l + U_l z_l + u_l
//   out   = W_2 relu(W_1 relu(sum over l of S_l z_l + s) + b_1) + b_2
//   x(t)  ~ distribution(out)
//
// History before the lane's first sample is zero at every layer's input, as zero padding is in
// training. Letters: R residual, G gate, S skip, A head, C encoded conditioning, K taps, F row
// features, P sample features, O head outputs. Source: van den Oord et al., WaveNet, 2016
// (arXiv:1609.03499), eq. 2; mixture of logistics: Salimans et al., PixelCNN++ (arXiv:1701.05517).
#pragma once
#include <span>
#include <vector>

#include "engine/plan/note_plan.h"

namespace ondes {

// One gated, dilated, residual layer. conv (K, 2G, R), tap 0 the oldest, rows 0..G-1 the filter
// (tanh), G..2G-1 the gate (sigmoid). The last layer of a plan may leave `residual` empty: nothing
// reads it.
struct GatedLayer {
  int dilation_samples = 1;
  std::span<const float> conv;           // (K, 2G, R)
  std::span<const float> conv_bias;      // (2G)
  std::span<const float> conditioning;   // (2G, C)
  std::span<const float> residual;       // (R, G) or empty
  std::span<const float> residual_bias;  // (R) or empty
  std::span<const float> skip;           // (S, G)
};

enum class InputKind {
  scalar,     // x(t-1) enters as one number, the first column of the input weights
  embedding,  // the class of x(t-1) picks a row of `input_embedding`
};

enum class Distribution {
  mu_law_categorical,  // O = classes logits; sample = mu-law decoding of the class
  logistic_mixture,    // O = 3 M: M logits, M means, M log scales
  gaussian,            // O = 2: mean, log scale
};

struct StepPlan : NotePlan {
  int residual_channels = 0;      // R
  int gate_channels = 0;          // G
  int skip_channels = 0;          // S
  int head_channels = 0;          // A
  int conditioning_channels = 0;  // C, the encoder's last outputs (F where there is no encoder)
  int taps = 2;                   // K

  InputKind input = InputKind::scalar;
  std::span<const float> input_weights;    // (R, 1 + P), or (R, P) with an embedding
  std::span<const float> input_bias;       // (R)
  std::span<const float> input_embedding;  // (classes, R) with an embedding, else empty

  std::vector<DenseOp> encoder;  // row features (F) -> conditioning (C), once a row
  std::vector<GatedLayer> layers;
  std::span<const float> skip_bias;  // (S)
  DenseOp head;                      // (A, S), relu
  DenseOp output;                    // (O, A), none

  Distribution distribution = Distribution::logistic_mixture;
  int mixture_components = 0;     // M of a logistic mixture
  int classes = 0;                // of a categorical output
  float log_scale_floor = -9.0F;  // log scales below it are raised to it
  int amplitude_levels = 65536;   // bins over [-1, 1] in which likelihoods are counted

  // Largest |h_l| seen in calibration, one a layer (L); scales of the integer precisions. Empty:
  // the runner calibrates itself at set-up.
  std::span<const float> residual_absmax;

  int layer_count() const noexcept { return static_cast<int>(layers.size()); }
};

// Throws Error{bad_input} naming the first field whose size contradicts the plan's shapes.
void validate(const StepPlan& plan);

// Multiplications with accumulation for one sample of one lane, conditioning excluded.
long long macs_per_sample(const StepPlan& plan);

}  // namespace ondes
