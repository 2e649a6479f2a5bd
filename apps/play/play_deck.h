// What `ondes play` plays, and how it goes from one thing to the next: the list, the voices, seeking,
// loops, changes of tempo, temperature and voice.
//
// Every change is a new source that is prepared here and handed to the stream by pointer: the audio
// never waits for it.
//
//   seek            what was rendered ahead is dropped; the sound breaks off and goes on elsewhere.
//                   Until that is heard, other changes are made there and not where the sound was
//   tempo, voice    the new source begins at a frame that is not rendered yet, prepared for the
//                   position that will be reached there: no gap, no note twice
//   loop            the next turns are posted before they are due, each at its exact frame
//   the next item   follows the last sample of the one before. It is loaded on a thread of its own
//                   (play_loader.h) as soon as that one begins; of short ones so many are posted
//                   ahead that nothing is waited for. Where loading takes longer than the item before
//                   lasts, there is silence, and waits_for() says what for
//   item and voice by hand    are loaded on that thread too; until then everything goes on as it was
//
// An item that cannot be played is passed over: with a remark if it came from a folder; otherwise
// its error is thrown when the rest has been played.
//
// Control thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/play/play_list.h"
#include "apps/play/play_loader.h"
#include "apps/play/play_source.h"
#include "engine/error.h"
#include "engine/stream/stream.h"

namespace ondes {

inline constexpr double kShortestLoopS = 0.5;

struct PlayLoop {
  std::optional<double> from_s;
  std::optional<double> to_s;
  bool complete() const { return from_s.has_value() && to_s.has_value(); }
};

// What is said, once, of what is waited for.
std::string wait_remark(const std::string& name);

class PlayDeck {
 public:
  // Loads the first item that can be played. Throws what the only one, or every one, throws.
  PlayDeck(std::vector<PlayItem> items,
           std::vector<std::shared_ptr<const Voice>> voices,
           const PlaySettings& settings);

  PlaySettings& settings() { return settings_; }
  const Voice& voice() const { return *voices_[voice_]; }
  const PlayInput& input() const { return *input_; }
  int item() const { return item_; }
  int items() const { return static_cast<int>(items_.size()); }
  const PlayLoop& loop() const { return loop_; }
  void set_loop(const PlayLoop& loop) { loop_ = loop; }
  void set_repeats(bool repeats) { repeats_ = repeats; }  // the whole list

  // From a position of the current item, at the settings as they are.
  std::unique_ptr<StreamSource> source(double position_s) const;

  // `stream` must outlive the deck. `pace`: how many times faster than sound its device is.
  void begin(Stream& stream, double position_s, double pace);
  // Posts what is due at once, before the device runs: waits a second at most for what must be loaded,
  // as long as `goes_on` says yes.
  void look_ahead(const std::function<bool()>& goes_on);
  // Posts what is due; at least every 100 ms. False when everything has been played.
  bool follow(const StreamTelemetry& telemetry);

  void seek(double position_s);
  void seek_by(double seconds);  // of sound, from where the listener is or has asked to be
  void go_to_item(int step);     // 1: the next that can be played; -1: the one before
  void change_tempo(double factor);
  void change_temperature(double step);
  void next_voice();
  void loop_from_here();
  void loop_to_here();
  void loop_off();

  // Whether follow() should come sooner: what is posted is short, and more of it could not be.
  bool hurries() const { return !posted_.empty() && ahead_s() < lead_s(); }
  // What is being loaded while nothing else is heard, or because a hand asked for it; else empty.
  std::string waits_for() const;
  // What is worth saying since this was asked last.
  std::vector<std::string> take_remarks();
  // Throws the first error of an item that was asked for by name.
  void check_failures() const;

 private:
  // Handed to the stream, to follow at the end of what came before.
  struct Posted {
    LoadedInput loaded;
    std::int64_t number = 0;
    double duration_s = 0.0;  // of sound
  };
  // What a hand asked for and is being loaded.
  struct Wish {
    std::size_t voice = 0;
    int item = 0;
    int step = 1;        // where to look on if that one cannot be played
    bool stays = false;  // the voice alone: item and place are the current ones
  };

  double here_s() const;
  double position_at(std::int64_t frame) const;
  std::int64_t frames(double seconds) const;
  std::unique_ptr<StreamSource> source_of(const std::shared_ptr<const PlayInput>& input,
                                          double position_s) const;
  double tempo_of(const PlayInput& input) const;
  void adopt(LoadedInput loaded);
  [[noreturn]] void throw_reasons() const;
  void change_from_here();
  void post_turns();

  // What comes next (play_deck_next.cpp).
  std::shared_ptr<const PlayInput> known(int item) const;
  std::vector<PlayCandidate> candidates(const Wish& wish) const;
  std::vector<PlayCandidate> candidates_after(int item) const;
  void pass_over(const std::vector<PlayLoadResult::Failure>& failures);
  void ask_for(const Wish& wish);
  void take_loaded();
  void grant(const Wish& wish, const PlayLoadResult& result);
  void change_voice(std::size_t voice, std::shared_ptr<const PlayInput> input);
  void adopt_begun();
  void keep_short();
  void forget();
  void unpost();
  double lead_s() const;
  double ahead_s() const;
  int most_ahead() const;
  void load_ahead();
  void post_items();
  void say_why(const PlayLoadResult& result);
  bool more_comes() const;
  void note_wait(bool waits);
  void say(std::string text) { remarks_.push_back(std::move(text)); }

  std::vector<PlayItem> items_;
  std::vector<bool> unplayable_;
  std::vector<bool> remarked_;  // what there is to say of them has been said
  std::vector<std::shared_ptr<const Voice>> voices_;
  std::size_t voice_ = 0;
  PlaySettings settings_;
  PlayLoop loop_;
  bool repeats_ = false;
  int item_ = 0;
  std::shared_ptr<const PlayInput> input_;
  std::optional<Error> failure_;  // the first one of an item that was asked for by name
  std::vector<Error> reasons_;    // why items were passed over
  std::vector<std::string> remarks_;

  Stream* stream_ = nullptr;
  double pace_ = 1.0;
  StreamTelemetry telemetry_;
  // A place that was asked for and is not heard yet.
  struct Seek {
    double position_s = 0.0;
    std::int64_t number = 0;  // of its source; kNotPosted while the stream is crowded
  };
  static constexpr std::int64_t kNotPosted = std::numeric_limits<std::int64_t>::max();
  std::optional<Seek> seek_;
  std::int64_t sounding_ = 0;     // the newest source that was posted by a hand, not by a loop
  double prepare_s_ = 0.05;       // what preparing a source took the last time
  std::int64_t turns_until_ = 0;  // the frame at which the last posted turn ends; 0: none is posted
  std::int64_t turn_number_ = 0;  // of the last posted turn
  std::deque<Posted> posted_;     // what follows the current item, in order
  std::deque<LoadedInput> ready_;  // what follows those
  std::deque<LoadedInput> heard_;  // short ones: of a list that repeats they come again at once
  std::optional<Wish> wish_;
  // Since when a hand, or silence, has waited for what is being loaded.
  std::optional<std::chrono::steady_clock::time_point> waits_since_;
  bool said_wait_ = false;
  PlayLoader loader_;
};

}  // namespace ondes
