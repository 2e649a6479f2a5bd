#include "apps/play/played_score.h"

#include <algorithm>
#include <cmath>

#include "engine/files/atomic_file.h"

namespace ondes {
namespace {

constexpr int kTicksPerQuarter = 24'000;
constexpr double kQuartersPerMinute = 120.0;
constexpr double kTicksPerSecond = kTicksPerQuarter * kQuartersPerMinute / 60.0;
constexpr int kSustain = 64;
constexpr int kAllSoundOff = 120;
constexpr int kResetController = 121;
constexpr int kAllNotesOff = 123;  // as are 124 to 127

// A controller that does nothing where nothing was played and no controller was moved.
bool only_ends(int controller, int value) {
  return controller == kAllSoundOff || controller == kResetController ||
         controller >= kAllNotesOff || (controller == kSustain && value == 0);
}

}  // namespace

PlayedScore::PlayedScore(const std::string& title)
    : writer_(kTicksPerQuarter, title), track_(writer_.add_track("live")) {
  writer_.tempo(0, kQuartersPerMinute);
}

void PlayedScore::add(double time_s, const std::array<std::uint8_t, 3>& message) {
  const int channel = message[0] & 0x0F;
  const int data1 = message[1] & 0x7F;
  const int data2 = message[2] & 0x7F;
  const unsigned kind = message[0] & 0xF0U;
  if (kind == 0xB0U && only_ends(data1, data2) && !used_[static_cast<std::size_t>(channel)]) {
    return;
  }
  used_[static_cast<std::size_t>(channel)] = true;
  if (first_s_ < 0.0) {
    first_s_ = time_s;
  }
  last_s_ = std::max(time_s, last_s_);
  const std::int64_t tick =
      std::max<std::int64_t>(std::llround((time_s - first_s_) * kTicksPerSecond), 0);
  count_keys(kind, channel, data1, data2);
  switch (kind) {
    case 0x80U:
      return writer_.note_off(track_, tick, channel, data1, data2);
    case 0x90U:
      return data2 > 0 ? writer_.note_on(track_, tick, channel, data1, data2)
                       : writer_.note_off(track_, tick, channel, data1);
    case 0xB0U:
      return writer_.control(track_, tick, channel, data1, data2);
    case 0xC0U:
      return writer_.program(track_, tick, channel, data1);
    case 0xE0U:
      return writer_.bend(track_, tick, channel, (data2 << 7 | data1) - 8192);
    default:  // pressure: nothing here listens to it
      return;
  }
}

// A key may be struck again before it is lifted: each note has a release of its own.
void PlayedScore::count_keys(unsigned kind, int channel, int data1, int data2) {
  auto& keys = down_[static_cast<std::size_t>(channel)];
  if (kind == 0xB0U && (data1 == kAllSoundOff || data1 >= kAllNotesOff)) {
    keys.fill(0);
  }
  if (kind != 0x80U && kind != 0x90U) {
    return;
  }
  int& notes = keys[static_cast<std::size_t>(data1)];
  notes = kind == 0x90U && data2 > 0 ? notes + 1 : std::max(notes - 1, 0);
}

void PlayedScore::end(double time_s) {
  for (std::size_t channel = 0; channel < down_.size(); ++channel) {
    for (std::size_t key = 0; key < down_[channel].size(); ++key) {
      while (down_[channel][key] > 0) {
        add(std::max(time_s, last_s_),
            {static_cast<std::uint8_t>(0x80U | channel), static_cast<std::uint8_t>(key), 64});
      }
    }
  }
}

void PlayedScore::write(const std::string& path) const {
  write_file_atomically(path == "-" ? "/dev/stdout" : path, writer_.bytes());
}

}  // namespace ondes
