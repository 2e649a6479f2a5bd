// Loads what comes next while something plays: on a thread of its own, one input after the other, so
// that keys, picture and device never wait for a file.
//
// Work that nobody wants any more (another item was asked for, the player quits) is abandoned: its
// thread sees that wherever it asks interrupted(), and what it had is dropped.
//
// Control thread, except load_inputs(): any thread.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "apps/play/play_source.h"
#include "engine/error.h"

namespace ondes {

struct PlayCandidate {
  int item = 0;
  std::string path;
  std::shared_ptr<const PlayInput> input;  // where it has been loaded already
};

struct PlayLoadRequest {
  std::shared_ptr<const Voice> voice;
  RenderOptions options;
  std::vector<PlayCandidate> candidates;  // in the order of playing
  double enough_s = 0.0;                  // no more is loaded than lasts so long, but for the first
  int most = 1;                           // inputs
};

struct LoadedInput {
  int item = 0;
  std::shared_ptr<const PlayInput> input;
};

struct PlayLoadResult {
  struct Failure {
    int item = 0;
    Error error;
  };
  std::vector<LoadedInput> loaded;  // in the order of playing
  std::vector<Failure> failures;    // of candidates that cannot be played
};

// The candidates that can be played, until they are enough. `begins` hears the path of what is loaded
// next. Throws Error{interrupted}.
PlayLoadResult load_inputs(const PlayLoadRequest& request,
                           const std::function<void(const std::string& path)>& begins = {});

class PlayLoader {
 public:
  PlayLoader();
  ~PlayLoader();  // abandons, and waits for the thread
  PlayLoader(const PlayLoader&) = delete;
  PlayLoader& operator=(const PlayLoader&) = delete;

  // Abandons what is being loaded.
  void begin(PlayLoadRequest request);
  void abandon();
  bool busy() const;            // something is being loaded that is still wanted
  std::string loading() const;  // what; empty if nothing is
  // Once, when it is there. Throws what loading threw but for the failures of candidates.
  std::optional<PlayLoadResult> take();
  void wait(std::chrono::milliseconds most) const;  // until it is there

 private:
  struct Outcome {
    PlayLoadResult result;
    std::exception_ptr failure;
  };
  void run();
  Outcome load(const PlayLoadRequest& request);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::optional<PlayLoadRequest> request_;  // not begun yet
  bool working_ = false;
  bool ends_ = false;
  std::string loading_;
  std::optional<Outcome> outcome_;
  std::atomic<bool> abandoned_{false};  // what is being loaded
  std::thread thread_;
};

}  // namespace ondes
