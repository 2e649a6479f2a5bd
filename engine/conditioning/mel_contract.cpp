#include "engine/conditioning/mel_contract.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "engine/error.h"

namespace ondes {
namespace {

std::string text(double value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {digits.data(), end};
}

template <typename Enum>
const std::string& text(Enum value, const std::vector<std::string>& names) {
  return names[static_cast<std::size_t>(value)];
}

// y = scale * ln(x) for the value x the logarithm was taken of.
double log_scale(MelLog log) {
  switch (log) {
    case MelLog::natural:
      return 1.0;
    case MelLog::decimal:
      return 1.0 / std::log(10.0);
    case MelLog::decibel:
      return 10.0 / std::log(10.0);
  }
  return 1.0;
}

// The stored value of the floor, a little raised: float rounding may have put values beside it.
bool any_at_floor(std::span<const float> values, const MelContract& contract) {
  const double scale = log_scale(contract.log);
  const double floor = scale * std::log(contract.floor);
  const double margin = 1e-5 * std::max(1.0, std::abs(floor));  // some 80 units of float rounding
  return std::any_of(values.begin(), values.end(), [floor, margin](float value) {
    return static_cast<double>(value) <= floor + margin;
  });
}

[[noreturn]] void refuse(const std::string& name,
                         const MelDifference& difference,
                         const std::string& why = "") {
  throw Error(ErrorCode::bad_input, name + ": mel field '" + difference.field + "': expected " +
                                        difference.left + ", found " + difference.right + why);
}

}  // namespace

const std::vector<std::string>& mel_window_names() {
  static const std::vector<std::string> names{"hann", "hamming", "povey"};
  return names;
}

const std::vector<std::string>& mel_scale_names() {
  static const std::vector<std::string> names{"slaney", "htk", "kaldi"};
  return names;
}

const std::vector<std::string>& mel_norm_names() {
  static const std::vector<std::string> names{"none", "slaney"};
  return names;
}

const std::vector<std::string>& mel_magnitude_names() {
  static const std::vector<std::string> names{"amplitude", "power"};
  return names;
}

const std::vector<std::string>& mel_log_names() {
  static const std::vector<std::string> names{"ln", "log10", "db"};
  return names;
}

const std::vector<std::string>& mel_padding_names() {
  static const std::vector<std::string> names{"none", "centre_zero", "centre_reflect",
                                              "reflect_hop"};
  return names;
}

std::vector<MelDifference> mel_differences(const MelContract& left, const MelContract& right) {
  std::vector<MelDifference> found;
  const auto number = [&found](const char* field, double a, double b) {
    if (a != b) {
      found.push_back({field, text(a), text(b)});
    }
  };
  const auto choice = [&found](const char* field, auto a, auto b,
                               const std::vector<std::string>& names) {
    if (a != b) {
      found.push_back({field, text(a, names), text(b, names)});
    }
  };
  number("sample_rate", left.sample_rate_hz, right.sample_rate_hz);
  number("fft", left.fft_size, right.fft_size);
  number("hop", left.hop_samples, right.hop_samples);
  number("window", left.window_samples, right.window_samples);
  choice("window_shape", left.window, right.window, mel_window_names());
  number("mels", left.mels, right.mels);
  number("fmin", left.fmin_hz, right.fmin_hz);
  number("fmax", left.fmax_hz, right.fmax_hz);
  choice("scale", left.scale, right.scale, mel_scale_names());
  choice("norm", left.norm, right.norm, mel_norm_names());
  choice("magnitude", left.magnitude, right.magnitude, mel_magnitude_names());
  if (left.magnitude == MelMagnitude::amplitude || right.magnitude == MelMagnitude::amplitude) {
    number("magnitude_epsilon", left.magnitude_epsilon, right.magnitude_epsilon);
  }
  choice("log", left.log, right.log, mel_log_names());
  number("floor", left.floor, right.floor);
  choice("padding", left.padding, right.padding, mel_padding_names());
  number("top_db", left.top_db, right.top_db);
  number("pre_emphasis", left.pre_emphasis, right.pre_emphasis);
  if (left.removes_dc != right.removes_dc) {
    found.push_back(
        {"removes_dc", left.removes_dc ? "true" : "false", right.removes_dc ? "true" : "false"});
  }
  number("sample_scale", left.sample_scale, right.sample_scale);
  return found;
}

void convert_mel(std::span<float> values,
                 const MelContract& from,
                 const MelContract& to,
                 const std::string& name) {
  for (const MelDifference& difference : mel_differences(to, from)) {
    if (difference.field == "floor") {
      if (to.floor < from.floor && any_at_floor(values, from)) {
        refuse(name, difference, ", and values stand on that floor: what lay below is lost");
      }
    } else if (difference.field != "log") {
      refuse(name, difference);
    }
  }
  const bool changes_base = from.log != to.log;
  const double factor = log_scale(to.log) / log_scale(from.log);
  const auto floor = static_cast<float>(log_scale(to.log) * std::log(to.floor));
  const bool raises_floor = to.floor > from.floor;
  for (float& value : values) {
    if (changes_base) {
      value = static_cast<float>(static_cast<double>(value) * factor);
    }
    if (raises_floor) {
      value = std::max(value, floor);
    }
  }
}

}  // namespace ondes
