// A JACK server of the test's own (dummy driver: a clock without a card), and a client beside it that
// hears what another program plays, frame by frame, and can send it MIDI.
#pragma once
#include <fcntl.h>
#include <jack/jack.h>
#include <jack/midiport.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace ondes {

inline bool jackd_is_installed() {
  return ::access("/usr/bin/jackd", X_OK) == 0;
}

// One of a few names for servers, no other test's at the same time. JACK remembers eight servers of a
// user; one that did not end in order keeps its place until another of its name begins.
class JackServerName {
 public:
  JackServerName() {
    constexpr int kNames = 3;
    for (int i = 0; lock_ < 0 && i < kNames; ++i) {
      take(i, LOCK_EX | LOCK_NB);
    }
    if (lock_ < 0) {
      take(0, LOCK_EX);  // waits for its turn
    }
  }
  ~JackServerName() { ::close(lock_); }
  JackServerName(const JackServerName&) = delete;
  JackServerName& operator=(const JackServerName&) = delete;

  const std::string& get() const { return name_; }

 private:
  void take(int index, int how) {
    name_ = "ondes-test-" + std::to_string(index);
    const std::string file = std::filesystem::temp_directory_path() /
                             (name_ + "-of-" + std::to_string(::getuid()) + ".lock");
    const int opened = ::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (opened < 0) {
      throw std::runtime_error("cannot open " + file);
    }
    if (::flock(opened, how) == 0) {
      lock_ = opened;
    } else {
      ::close(opened);
    }
  }

  std::string name_;
  int lock_ = -1;
};

// Runs while it lives, under a name of its own, which programs that the test starts inherit.
class JackServer {
 public:
  explicit JackServer(int period_frames, int rate_hz = 48000) {
    const std::string& name = name_.get();
    ::setenv("JACK_DEFAULT_SERVER", name.c_str(), 1);
    ::setenv("JACK_NO_AUDIO_RESERVATION", "1", 1);
    child_ = ::fork();
    if (child_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // a test that is ended leaves no server behind
      const int null = ::open("/dev/null", O_WRONLY);
      ::dup2(null, STDOUT_FILENO);
      ::dup2(null, STDERR_FILENO);
      ::execl("/usr/bin/jackd", "jackd", "--no-realtime", "--name", name.c_str(), "-d", "dummy",
              "-r", std::to_string(rate_hz).c_str(), "-p", std::to_string(period_frames).c_str(),
              static_cast<char*>(nullptr));
      ::_exit(127);
    }
    jack_set_error_function([](const char*) {});
    jack_set_info_function([](const char*) {});
    for (int tries = 0; tries < 100; ++tries) {
      jack_client_t* probe = jack_client_open("probe", JackNoStartServer, nullptr);
      if (probe != nullptr) {
        jack_client_close(probe);
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    stop();
    throw std::runtime_error(
        "jackd does not answer; what it says itself: jackd --no-realtime --name " + name +
        " -d dummy");
  }
  ~JackServer() { stop(); }
  JackServer(const JackServer&) = delete;
  JackServer& operator=(const JackServer&) = delete;

  // As when a server crashes under a player.
  void stop() {
    if (child_ > 0) {
      ::kill(child_, SIGTERM);
      int status = 0;
      for (int tries = 0; tries < 100 && ::waitpid(child_, &status, WNOHANG) == 0; ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
      ::kill(child_, SIGKILL);
      ::waitpid(child_, &status, 0);
      child_ = -1;
    }
  }

 private:
  JackServerName name_;
  pid_t child_ = -1;
};

// Keeps the first `max_frames` of stereo that come from the ports of a client whose name begins with
// "PortAudio", once connect() has found them; and sends MIDI to "ondes-midi:midi_in".
class JackListener {
 public:
  explicit JackListener(std::int64_t max_frames)
      : left_(static_cast<std::size_t>(max_frames)), right_(static_cast<std::size_t>(max_frames)) {
    client_ = jack_client_open("listener", JackNoStartServer, nullptr);
    if (client_ == nullptr) {
      throw std::runtime_error("no JACK server");
    }
    in_[0] = jack_port_register(client_, "in_0", JACK_DEFAULT_AUDIO_TYPE, JackPortIsInput, 0);
    in_[1] = jack_port_register(client_, "in_1", JACK_DEFAULT_AUDIO_TYPE, JackPortIsInput, 0);
    midi_ = jack_port_register(client_, "midi_out", JACK_DEFAULT_MIDI_TYPE, JackPortIsOutput, 0);
    jack_set_process_callback(client_, process, this);
    jack_set_xrun_callback(client_, xrun, this);
    jack_activate(client_);
  }
  ~JackListener() { jack_client_close(client_); }
  JackListener(const JackListener&) = delete;
  JackListener& operator=(const JackListener&) = delete;

  // Waits until the player's ports are there.
  bool connect_audio(std::chrono::milliseconds patience) {
    return wait_for(patience, [&] {
      const char** ports =
          jack_get_ports(client_, "^PortAudio", JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput);
      bool both = ports != nullptr && ports[0] != nullptr && ports[1] != nullptr;
      for (std::size_t c = 0; both && c < 2; ++c) {
        both = jack_connect(client_, ports[c], jack_port_name(in_[c])) == 0;
      }
      jack_free(ports);
      return both;
    });
  }
  bool connect_midi(std::chrono::milliseconds patience) {
    return wait_for(patience, [&] {
      return jack_connect(client_, jack_port_name(midi_), "ondes-midi:midi_in") == 0;
    });
  }

  // Sent at `offset` of the next period. Returns the frame (of JACK's clock) at which it was.
  std::uint32_t send(std::array<std::uint8_t, 3> message, std::uint32_t offset) {
    message_ = message;
    offset_ = offset;
    sent_.store(false);
    pending_.store(true, std::memory_order_release);
    while (!sent_.load(std::memory_order_acquire)) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return sent_frame_;
  }
  // From now on, the frame (of JACK's clock) of the first sample that is not 0.
  void watch_for_sound() {
    heard_.store(false);
    watching_.store(true, std::memory_order_release);
  }
  std::optional<std::uint32_t> first_sound(std::chrono::milliseconds patience) {
    return wait_for(patience, [&] { return heard_.load(std::memory_order_acquire); })
               ? std::optional(heard_frame_)
               : std::nullopt;
  }

  // Waits until nothing but zeros has come for a while.
  bool silent_for(std::chrono::milliseconds silence, std::chrono::milliseconds patience) {
    const auto wanted = static_cast<std::int64_t>(static_cast<double>(silence.count()) * 1.0e-3 *
                                                  jack_get_sample_rate(client_));
    return wait_for(patience, [&] { return zeros_.load(std::memory_order_relaxed) >= wanted; });
  }

  // Of the server, for every client.
  bool set_period(int frames) {
    return jack_set_buffer_size(client_, static_cast<jack_nframes_t>(frames)) == 0;
  }

  std::int64_t frames() const { return frames_.load(std::memory_order_acquire); }
  const std::vector<float>& left() const { return left_; }
  const std::vector<float>& right() const { return right_; }
  int xruns() const { return xruns_.load(); }

 private:
  template <typename Condition>
  static bool wait_for(std::chrono::milliseconds patience, const Condition& condition) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) {
        return false;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
    return true;
  }

  static int xrun(void* user) {
    ++static_cast<JackListener*>(user)->xruns_;
    return 0;
  }
  static int process(jack_nframes_t frames, void* user) {
    auto& self = *static_cast<JackListener*>(user);
    self.keep(frames);
    self.play_midi(frames);
    return 0;
  }
  void keep(jack_nframes_t frames) {
    const auto* left = static_cast<const float*>(jack_port_get_buffer(in_[0], frames));
    const auto* right = static_cast<const float*>(jack_port_get_buffer(in_[1], frames));
    const auto at = static_cast<std::size_t>(frames_.load(std::memory_order_relaxed));
    if (at + frames <= left_.size()) {
      std::memcpy(left_.data() + at, left, frames * sizeof(float));
      std::memcpy(right_.data() + at, right, frames * sizeof(float));
      frames_.store(static_cast<std::int64_t>(at + frames), std::memory_order_release);
    }
    const auto sounds = [](float x) { return x != 0.0F; };
    const bool silent =
        std::none_of(left, left + frames, sounds) && std::none_of(right, right + frames, sounds);
    zeros_.store(silent ? zeros_.load(std::memory_order_relaxed) + frames : 0,
                 std::memory_order_relaxed);
    if (!watching_.load(std::memory_order_acquire)) {
      return;
    }
    for (jack_nframes_t t = 0; t < frames; ++t) {
      if (left[t] != 0.0F || right[t] != 0.0F) {
        heard_frame_ = jack_last_frame_time(client_) + t;
        watching_.store(false);
        heard_.store(true, std::memory_order_release);
        return;
      }
    }
  }
  void play_midi(jack_nframes_t frames) {
    void* buffer = jack_port_get_buffer(midi_, frames);
    jack_midi_clear_buffer(buffer);
    if (!pending_.load(std::memory_order_acquire)) {
      return;
    }
    const std::uint32_t offset = offset_ % frames;
    jack_midi_event_write(buffer, offset, message_.data(), message_.size());
    sent_frame_ = jack_last_frame_time(client_) + offset;
    pending_.store(false);
    sent_.store(true, std::memory_order_release);
  }

  jack_client_t* client_ = nullptr;
  std::array<jack_port_t*, 2> in_{};
  jack_port_t* midi_ = nullptr;
  std::vector<float> left_;
  std::vector<float> right_;
  std::atomic<std::int64_t> frames_{0};
  std::atomic<int> xruns_{0};
  std::array<std::uint8_t, 3> message_{};
  std::uint32_t offset_ = 0;
  std::uint32_t sent_frame_ = 0;
  std::atomic<bool> pending_{false};
  std::atomic<bool> sent_{false};
  std::atomic<std::int64_t> zeros_{0};
  std::atomic<bool> watching_{false};
  std::atomic<bool> heard_{false};
  std::uint32_t heard_frame_ = 0;
};

}  // namespace ondes
