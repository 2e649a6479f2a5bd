// Log-mel features of mono audio: framing, window, FFT, magnitude, mel bank, limited logarithm.
//
//   X_t     = FFT of window x samples [t H - P + (N - W)/2, ... + W)
//   s_t[k]  = sqrt(|X_t[k]|^2 + epsilon)  or  |X_t[k]|^2
//   y_t[m]  = log(max(bank s_t, floor))
//
// Padding:
//   none            window t begins at sample t H; T = 1 + floor((S - W) / H), or 0 (Kaldi)
//   centre_zero     P = N/2 zeros at either end; T = 1 + floor(S / H) (librosa)
//   centre_reflect  P = N/2 mirrored samples, the edge itself not repeated; T as above (torch)
//   reflect_hop     P = floor((N - H)/2) mirrored samples; T = floor(S / H) for even N - H
//                   (HiFi-GAN)
// Signals shorter than the mirror needs are mirrored again and again, as NumPy does (torch refuses
// them).
//
// Every frame is computed by itself from its own samples: offline, and streamed in blocks of any
// sizes, the frames are the same, bit for bit, and so is their number. A stream's frame t is there
// once its window's last sample is (and, mirrored, the P + 1 first samples of the signal).
//
// Shapes: S samples, N fft, W window, H hop, T frames, M mels.  x (S)  out (T,M)
// Set-up thread: constructor, prepare(). One thread at a time: everything else; process() and
// finish() neither allocate nor lock.
// Sources: librosa 0.10, torchaudio.functional.melscale_fbanks, Kaldi's feat/feature-fbank, the
// recipes of jik876/hifi-gan, NVIDIA/BigVGAN, NVIDIA/tacotron2, kan-bayashi/ParallelWaveGAN,
// gemelo-ai/vocos.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dsp/fft.h"
#include "dsp/mel_filterbank.h"
#include "engine/realtime.h"
#include "engine/views.h"

namespace ondes {

struct MelConfig {
  // Periodic, periodic, symmetric (hann^0.85), symmetric.
  enum class Window { hann, hamming, povey, symmetric_hamming };
  enum class Magnitude { amplitude, power };
  enum class Log { natural, decimal, decibel };  // ln, log10, 10 log10
  enum class Padding { none, centre_zero, centre_reflect, reflect_hop };

  MelBankConfig bank;
  int hop_samples = 256;
  int window_samples = 1024;  // at most the FFT's size; centred in it
  Window window = Window::hann;
  Magnitude magnitude = Magnitude::amplitude;
  double magnitude_epsilon = 1e-9;  // amplitude only
  Log log = Log::natural;
  double floor = 1e-5;
  Padding padding = Padding::reflect_hop;
  double top_db = 0.0;        // values further below the greatest of the whole are raised; 0: none
  double pre_emphasis = 0.0;  // a frame's x[n] - a x[n - 1]; the first: x[0] - a x[0]
  bool removes_dc = false;    // the frame's mean, before the pre-emphasis
  double sample_scale = 1.0;
};

// hifigan bigvgan tacotron2 pwg vocos librosa kaldi; nothing for other names.
std::optional<MelConfig> mel_profile(std::string_view name);
const std::vector<std::string>& mel_profile_names();

// What top_db asks for: raises every value that lies more than `range` below the greatest.
void limit_range(Frames values, double range) noexcept;

class LogMel {
 public:
  // Throws Error{usage} for numbers that make no sense.
  explicit LogMel(const MelConfig& config);

  const MelConfig& config() const noexcept { return config_; }
  int mels() const noexcept { return bank_.mels(); }
  int empty_bands() const noexcept { return bank_.empty_bands(); }
  std::int64_t frames(std::int64_t samples) const noexcept;

  // The whole signal. out must be (frames(S), M); throws Error{usage} otherwise.
  void analyze(std::span<const float> x, Frames out);
  std::vector<float> analyze(std::span<const float> x);

  // The stream. prepare() first: blocks of at most max_block_samples; it begins a signal. Throws
  // Error{usage} if top_db needs the whole signal.
  void prepare(int max_block_samples);
  // The most frames that process() of a whole block, or finish(), can give.
  int max_frames() const noexcept { return max_frames_; }
  // Takes the next samples, writes the frames that are now complete, returns how many.
  int process(std::span<const float> block, Frames out) noexcept ONDES_REALTIME;
  // The frames that reach past the end. Afterwards begins a new signal.
  int finish(Frames out) noexcept ONDES_REALTIME;
  void reset() noexcept ONDES_REALTIME;

 private:
  // x[i - first] is sample i; the signal has `known` samples so far.
  struct Signal {
    const float* x;
    std::int64_t first;
    std::int64_t known;
  };
  void make_frame(const Signal& signal, std::int64_t frame, std::span<float> out) noexcept;
  void gather(const Signal& signal, std::int64_t start, std::span<float> window) const noexcept;
  void condition(std::span<float> window) const noexcept;
  std::int64_t window_start(std::int64_t frame) const noexcept;
  bool is_complete(std::int64_t frame) const noexcept;
  void forget() noexcept;

  MelConfig config_;
  MelFilterbank bank_;
  RealFft fft_;
  std::vector<float> window_;    // (W)
  std::vector<float> frame_;     // (W) samples of an edge, or conditioned ones
  std::vector<float> spectrum_;  // (K + MelFilterbank::kStep)
  int pad_samples_ = 0;          // P
  int window_offset_ = 0;        // (N - W)/2, or 0
  float log_scale_ = 1.0F;       // y = log_scale ln(...)

  // The stream: samples [first_, received_) lie at history_[0...).
  std::vector<float> history_;
  int max_block_samples_ = 0;
  int max_frames_ = 0;
  std::int64_t first_ = 0;
  std::int64_t received_ = 0;
  std::int64_t next_frame_ = 0;
};

}  // namespace ondes
