#include "apps/play/played_score.h"

#include <algorithm>
#include <cmath>

#include "engine/files/atomic_file.h"

namespace ondes {
namespace {

constexpr int kTicksPerQuarter = 24'000;
constexpr double kQuartersPerMinute = 120.0;
constexpr double kTicksPerSecond = kTicksPerQuarter * kQuartersPerMinute / 60.0;
constexpr int kAllSoundOff = 120;
constexpr int kResetController = 121;

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
  const bool silences = kind == 0xB0U && data1 == kAllSoundOff;
  if ((silences || (kind == 0xB0U && data1 == kResetController)) &&
      !used_[static_cast<std::size_t>(channel)]) {
    return;
  }
  used_[static_cast<std::size_t>(channel)] = true;
  if (first_s_ < 0.0) {
    first_s_ = time_s;
  }
  last_s_ = std::max(time_s, last_s_);
  const std::int64_t tick =
      std::max<std::int64_t>(std::llround((time_s - first_s_) * kTicksPerSecond), 0);
  if (silences) {
    down_[static_cast<std::size_t>(channel)].fill(false);
  }
  if (kind == 0x80U || kind == 0x90U) {
    down_[static_cast<std::size_t>(channel)][static_cast<std::size_t>(data1)] =
        kind == 0x90U && data2 > 0;
  }
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

void PlayedScore::end(double time_s) {
  for (std::size_t channel = 0; channel < down_.size(); ++channel) {
    for (std::size_t key = 0; key < down_[channel].size(); ++key) {
      if (down_[channel][key]) {
        add(std::max(time_s, last_s_),
            {static_cast<std::uint8_t>(0x80U | channel), static_cast<std::uint8_t>(key), 64});
      }
    }
  }
}

void PlayedScore::write(const std::string& path) const {
  write_file_atomically(path, writer_.bytes());
}

}  // namespace ondes
