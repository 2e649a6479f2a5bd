// The lines to the sources of a live performance, in the order of their beginning: what was played
// is fetched from them, and counted for all of them together. A line is forgotten once its source
// has ended, its counts are kept.
//
// Control thread, which is also where sources end.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/stream/live_line.h"

namespace ondes {

struct LineCounts {
  std::int64_t notes = 0;
  std::int64_t stolen_notes = 0;
  std::int64_t late_events = 0;
  std::int64_t lost_events = 0;

  void add(const LiveLine& line) {
    notes += line.notes();
    stolen_notes += line.stolen_notes();
    late_events += line.late_events();
    lost_events += line.lost_events();
  }
};

class LiveLines {
 public:
  void add(std::shared_ptr<LiveLine> line) { lines_.push_back(std::move(line)); }
  LiveLine& newest() { return *lines_.back(); }
  std::size_t size() const { return lines_.size(); }

  // Calls played(const PlayedEvent&) for everything since the last time. A source that follows
  // another one begins to remember where that one ends.
  template <typename Played>
  void fetch(Played&& played) {
    for (const std::shared_ptr<LiveLine>& line : lines_) {
      while (const std::optional<PlayedEvent> event = line->take_played()) {
        played(*event);
      }
      if (line->closed()) {
        ended_.add(*line);
      }
    }
    std::erase_if(lines_, [](const std::shared_ptr<LiveLine>& line) { return line->closed(); });
  }
  LineCounts counts() const {
    LineCounts counts = ended_;
    for (const std::shared_ptr<LiveLine>& line : lines_) {
      counts.add(*line);
    }
    return counts;
  }

 private:
  std::vector<std::shared_ptr<LiveLine>> lines_;
  LineCounts ended_;  // of those that are forgotten
};

}  // namespace ondes
