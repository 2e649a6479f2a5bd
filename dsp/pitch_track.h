// A pitch over time, from our own trackers or from another tool's file.
//
// A frame is unvoiced where hz <= 0; a negative value is a pitch guess for a frame that its maker
// calls unvoiced (mir_eval's convention), 0 no guess. Times increase strictly.
//
// Plain data and pure functions: any thread.
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ondes {

struct PitchTrack {
  std::vector<double> times_s;
  std::vector<double> hz;                  // as long as times_s
  std::vector<double> voiced_probability;  // as long, or empty where its maker gives none

  std::size_t size() const noexcept { return hz.size(); }
};

// Text with one frame a line: "time,hz", "time hz", "time;hz" or "time<tab>hz"; further columns are
// a confidence and ignored unless `confidence_threshold` says from where on a frame is voiced.
// Empty lines, lines that begin with '#' and one line of headings are passed over. A file of a
// single column holds frequencies, one every `hop_s`. "nan" as a frequency is unvoiced.
struct PitchTrackFormat {
  double hop_s = 0.005;                // of files that hold no times
  double confidence_threshold = -1.0;  // third column below it: unvoiced; negative: not looked at
};

// Error{io} if the file cannot be read, Error{bad_input} naming file, line, expected, found.
PitchTrack read_f0_track(const std::filesystem::path& file, const PitchTrackFormat& format = {});
PitchTrack parse_f0_track(std::string_view text,
                          const std::string& name,
                          const PitchTrackFormat& format = {});

// From an array in C order, as engine/files/npy.h reads one: (T) frequencies, (T,2) or (T,3) rows of
// time, hz, confidence. Throws Error{bad_input} for other shapes. `name` begins messages.
PitchTrack f0_track_of_array(std::span<const double> values,
                             std::span<const std::int64_t> shape,
                             const std::string& name,
                             const PitchTrackFormat& format = {});

// The track at other times: frequency linear between frames, except that it is never drawn between
// a frame with a pitch and one without; voiced as the last frame at or before the time; unvoiced
// before the first frame and more than half a frame behind the last.
PitchTrack pitch_track_at(const PitchTrack& track, std::span<const double> times_s);

}  // namespace ondes
