#include "dsp/pitch_track.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <optional>

#include "engine/error.h"

namespace ondes {

namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::bad_input, name + ": pitch track: " + what);
}

bool is_separator(char c) {
  return c == ' ' || c == '\t' || c == ',' || c == ';' || c == '\r';
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t at = 0; at < line.size();) {
    const auto length =
        static_cast<std::size_t>(
            std::find_if(line.begin() + static_cast<std::ptrdiff_t>(at), line.end(), is_separator) -
            line.begin()) -
        at;
    if (length > 0) {
      fields.push_back(line.substr(at, length));
    }
    at += length + 1;
  }
  return fields;
}

std::optional<double> number_of(std::string_view text) {
  double value = 0.0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// One row of 1, 2 or 3 numbers becomes a frame.
class TrackBuilder {
 public:
  TrackBuilder(const std::string& name, const PitchTrackFormat& format)
      : name_(name), format_(format) {
    if (!(format.hop_s > 0.0)) {
      throw Error(ErrorCode::usage,
                  "pitch track: expected a positive hop, found " + std::to_string(format.hop_s));
    }
  }

  void add(std::span<const double> row, const std::string& where) {
    const bool timed = row.size() > 1;
    const double time_s =
        timed ? row[0] : static_cast<double>(track_.times_s.size()) * format_.hop_s;
    double hz = timed ? row[1] : row[0];
    if (std::isnan(hz)) {
      hz = 0.0;  // how librosa and others write unvoiced frames
    }
    if (!std::isfinite(time_s) || !std::isfinite(hz)) {
      refuse(name_, where + ": expected finite numbers, found an infinity or no time");
    }
    if (!track_.times_s.empty() && !(time_s > track_.times_s.back())) {
      refuse(name_, where + ": expected a time after " + std::to_string(track_.times_s.back()) +
                        " s, found " + std::to_string(time_s) + " s");
    }
    if (row.size() > 2 && format_.confidence_threshold >= 0.0 &&
        !(row[2] >= format_.confidence_threshold)) {
      hz = -std::abs(hz);
    }
    track_.times_s.push_back(time_s);
    track_.hz.push_back(hz);
  }

  PitchTrack finish() { return std::move(track_); }
  bool empty() const { return track_.hz.empty(); }

 private:
  std::string name_;
  PitchTrackFormat format_;
  PitchTrack track_;
};

}  // namespace

PitchTrack parse_f0_track(std::string_view text,
                          const std::string& name,
                          const PitchTrackFormat& format) {
  TrackBuilder builder(name, format);
  std::size_t columns = 0;
  bool heading_allowed = true;
  int line_number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line_number;
    const auto fields = fields_of(line);
    if (fields.empty() || fields.front().front() == '#') {
      continue;
    }
    const std::string where = "line " + std::to_string(line_number);
    std::vector<double> row;
    bool numbers = true;
    for (std::size_t i = 0; i < std::min<std::size_t>(fields.size(), 3); ++i) {
      const auto value = number_of(fields[i]);
      numbers = numbers && value.has_value();
      row.push_back(value.value_or(0.0));
    }
    if (!numbers) {
      if (heading_allowed) {
        heading_allowed = false;
        continue;
      }
      refuse(name, where + ": expected numbers, found \"" + std::string(line.substr(0, 40)) + "\"");
    }
    heading_allowed = false;
    columns = columns == 0 ? row.size() : columns;
    if (row.size() != columns) {
      refuse(name, where + ": expected " + std::to_string(columns) + " columns as before, found " +
                       std::to_string(row.size()));
    }
    builder.add(row, where);
  }
  if (builder.empty()) {
    refuse(name, "expected lines of time and frequency, found none");
  }
  return builder.finish();
}

PitchTrack read_f0_track(const std::filesystem::path& file, const PitchTrackFormat& format) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    throw Error(ErrorCode::io, file.string() + ": cannot be opened");
  }
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (stream.bad()) {
    throw Error(ErrorCode::io, file.string() + ": reading failed");
  }
  return parse_f0_track(text, file.string(), format);
}

PitchTrack f0_track_of_array(std::span<const double> values,
                             std::span<const std::int64_t> shape,
                             const std::string& name,
                             const PitchTrackFormat& format) {
  const bool timed = shape.size() == 2 && (shape[1] == 2 || shape[1] == 3);
  const bool plain = shape.size() == 1 || (shape.size() == 2 && shape[1] == 1);
  const std::size_t columns = timed ? static_cast<std::size_t>(shape[1]) : 1;
  if ((!timed && !plain) || shape[0] < 1 ||
      values.size() != static_cast<std::size_t>(shape[0]) * columns) {
    refuse(name, "expected an array of [frames], [frames, 2] or [frames, 3], found " +
                     std::to_string(shape.size()) + " dimensions and " +
                     std::to_string(values.size()) + " values");
  }
  TrackBuilder builder(name, format);
  for (std::size_t at = 0; at < values.size(); at += columns) {
    builder.add(values.subspan(at, columns), "frame " + std::to_string(at / columns));
  }
  return builder.finish();
}

PitchTrack pitch_track_at(const PitchTrack& track, std::span<const double> times_s) {
  PitchTrack result;
  result.times_s.assign(times_s.begin(), times_s.end());
  const std::size_t frames = track.size();
  // Behind the last frame its own spacing counts.
  const double last_s =
      frames == 0 ? 0.0
      : frames < 2
          ? track.times_s.back()
          : track.times_s.back() + 0.5 * (track.times_s[frames - 1] - track.times_s[frames - 2]);
  for (const double time_s : times_s) {
    // A time that is a frame's but for the last bits of two ways to compute it is that frame's.
    const double nudged_s = time_s + 1e-9;
    const auto after = std::upper_bound(track.times_s.begin(), track.times_s.end(), nudged_s);
    double hz = 0.0;
    if (after != track.times_s.begin() && time_s <= last_s + 1e-9) {
      const auto i = static_cast<std::size_t>(after - track.times_s.begin()) - 1;
      hz = track.hz[i];
      if (hz != 0.0 && i + 1 < frames && track.hz[i + 1] != 0.0) {
        const double share = std::clamp(
            (time_s - track.times_s[i]) / (track.times_s[i + 1] - track.times_s[i]), 0.0, 1.0);
        const double from = std::abs(hz);
        hz = std::copysign(from + share * (std::abs(track.hz[i + 1]) - from), hz);
      }
    }
    result.hz.push_back(hz);
  }
  return result;
}

}  // namespace ondes
