// Which analysis `ondes mel` makes: a profile or a voice's, and what the command line changes in it.
// Set-up thread.
#pragma once
#include <optional>
#include <string>

#include "engine/conditioning/mel_contract.h"

namespace CLI {
class App;
}  // namespace CLI

namespace ondes {

struct MelOptions {
  std::string profile = "hifigan";
  std::string voice;  // its contract in place of a profile's
  std::optional<int> rate_hz;
  std::optional<int> fft_size;
  std::optional<int> hop_samples;
  std::optional<int> window_samples;
  std::optional<int> mels;
  std::optional<double> fmin_hz;
  std::optional<double> fmax_hz;
  std::optional<double> epsilon;
  std::optional<double> floor;
  std::optional<double> top_db;
  std::optional<double> pre_emphasis;
  std::optional<double> sample_scale;
  std::optional<bool> removes_dc;
  std::optional<std::string> window_shape;
  std::optional<std::string> scale;
  std::optional<std::string> norm;
  std::optional<std::string> magnitude;
  std::optional<std::string> log;
  std::optional<std::string> padding;
};

void add_mel_options(CLI::App& command, MelOptions& options);

// Throws Error{usage} naming the option for values that make no analysis, Error{bad_input} for a
// voice that takes no mel. An upper edge at the Nyquist frequency follows --rate.
MelContract mel_contract_of(const MelOptions& options);

}  // namespace ondes
