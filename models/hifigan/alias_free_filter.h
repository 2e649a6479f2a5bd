// The low-pass filter around BigVGAN's activations: a windowed sinc that halves the band.
//
//   h[n] = 2 c w[n] sinc(2 c (n - (N-1)/2)) / sum,   c = 1/4, N = 12 taps, w a Kaiser window
//   beta from the transition width 0.3 by Kaiser's formula: A = 2.285 (N/2 - 1) 4 pi 0.3 + 7.95
//
// A signal is brought to twice its rate with 2 h, the activation applied there, and brought back
// with h: what the activation adds above half the rate is removed instead of folding down.
// Source: BigVGAN (arXiv:2206.04658), section 3.3; StyleGAN3's design (arXiv:2106.12423).
#pragma once
#include <array>

namespace ondes {

inline constexpr int kAliasFreeTaps = 12;
// The signal is extended by this many frames of its edges before it is brought up ...
inline constexpr int kAliasFreeUpPad = 5;
// ... and this many frames of the result are dropped at either end.
inline constexpr int kAliasFreeUpTrim = 15;
inline constexpr int kAliasFreeDownPadLeft = 5;
inline constexpr int kAliasFreeDownPadRight = 6;

std::array<float, kAliasFreeTaps> alias_free_filter();

}  // namespace ondes
