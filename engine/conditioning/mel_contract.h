// The feature contract of a mel voice: by which analysis its frames come from audio. Plain data,
// every parameter explicit; dsp/log_mel.h carries it out.
//
//   y = floor-limited log of (bank x magnitude of the STFT):  log(max(bank |X|^p, floor))
//
// A mel made under another contract is refused by the name of the first field that differs, or
// converted where that is exact (convert_mel below).
//
// Any thread: everything. JSON: engine/weights/mel_contract_json.h.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ondes {

enum class MelWindow { hann, hamming, povey };  // hann and hamming periodic; povey: hann^0.85
// Where the bands stand: Slaney's (linear below 1 kHz), HTK's 2595 log10(1 + f / 700), or Kaldi's:
// HTK's, with triangles that are straight over mel instead of over frequency.
enum class MelScale { slaney, htk, kaldi };
enum class MelNorm { none, slaney };  // slaney: a band has the area of 2 / (its width in Hz) peaks
// amplitude: sqrt(|X|^2 + magnitude_epsilon); power: |X|^2
enum class MelMagnitude { amplitude, power };
enum class MelLog { natural, decimal, decibel };  // ln, log10, 10 log10
//   none            frames inside the signal only (Kaldi's snip edges)
//   centre_zero     fft / 2 zeros at either end (librosa)
//   centre_reflect  fft / 2 samples mirrored at either end, the edge itself not repeated (torch)
//   reflect_hop     (fft - hop) / 2 mirrored samples: frames = samples / hop (HiFi-GAN)
enum class MelPadding { none, centre_zero, centre_reflect, reflect_hop };

struct MelContract {
  int sample_rate_hz = 22050;
  int fft_size = 1024;
  int hop_samples = 256;
  int window_samples = 1024;
  MelWindow window = MelWindow::hann;
  int mels = 80;
  double fmin_hz = 0.0;
  double fmax_hz = 8000.0;
  MelScale scale = MelScale::slaney;
  MelNorm norm = MelNorm::slaney;
  MelMagnitude magnitude = MelMagnitude::amplitude;
  double magnitude_epsilon = 1e-9;  // amplitude only
  MelLog log = MelLog::natural;
  double floor = 1e-5;
  MelPadding padding = MelPadding::reflect_hop;
  double top_db = 0.0;        // values further below the file's greatest are raised; 0: none
  double pre_emphasis = 0.0;  // a frame's x[n] - a x[n - 1]
  bool removes_dc = false;    // from every frame
  double sample_scale = 1.0;  // what samples of full scale 1 are multiplied by: 32768 for Kaldi

  friend bool operator==(const MelContract&, const MelContract&) = default;
};

// The names the JSON, the command line and messages use: "hann", "slaney", "amplitude", "ln",
// "reflect_hop"...; in the order of the enumerators.
const std::vector<std::string>& mel_window_names();
const std::vector<std::string>& mel_scale_names();
const std::vector<std::string>& mel_norm_names();
const std::vector<std::string>& mel_magnitude_names();
const std::vector<std::string>& mel_log_names();
const std::vector<std::string>& mel_padding_names();

struct MelDifference {
  std::string field;  // its name in JSON
  std::string left;
  std::string right;
};

// Every field that differs, in the order of the JSON.
std::vector<MelDifference> mel_differences(const MelContract& left, const MelContract& right);

// Turns values made under `from` into those of `to` where that is exact: another log base, a
// higher floor, or a lower one that no value stands on. Throws Error{bad_input} naming `name`, the
// field, what `to` has (expected) and what `from` has (found).
void convert_mel(std::span<float> values,
                 const MelContract& from,
                 const MelContract& to,
                 const std::string& name);

}  // namespace ondes
