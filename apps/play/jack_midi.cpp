#include <fmt/format.h>
#include <jack/jack.h>
#include <jack/midiport.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include "apps/play/jack_server.h"
#include "apps/play/midi_input.h"
#include "engine/error.h"
#include "engine/stream/stream_clock.h"

namespace ondes {
namespace {

constexpr const char* kClient = "ondes-midi";

void say_nothing(const char*) {}

struct ClientCloser {
  void operator()(jack_client_t* client) const { jack_client_close(client); }
};
using Client = std::unique_ptr<jack_client_t, ClientCloser>;

// Nothing without a server: none is started.
Client connect() {
  jack_set_error_function(say_nothing);
  jack_set_info_function(say_nothing);
  return Client(jack_client_open(kClient, JackNoStartServer, nullptr));
}

Client require_client() {
  Client client = connect();
  if (!client) {
    throw Error(ErrorCode::no_device, "MIDI input: no JACK server runs");
  }
  return client;
}

std::vector<std::string> ports_of(jack_client_t* client) {
  std::vector<std::string> names;
  const char** ports = jack_get_ports(client, nullptr, JACK_DEFAULT_MIDI_TYPE, JackPortIsOutput);
  for (int i = 0; ports != nullptr && ports[i] != nullptr; ++i) {
    names.emplace_back(ports[i]);
  }
  jack_free(ports);
  return names;
}

class JackMidi : public MidiInput {
 public:
  JackMidi(const std::string& port, MidiReceiver& receiver)
      : client_(require_client()),
        receiver_(receiver),
        clock_(static_cast<int>(jack_get_sample_rate(client_.get()))) {
    port_ =
        jack_port_register(client_.get(), "midi_in", JACK_DEFAULT_MIDI_TYPE, JackPortIsInput, 0);
    jack_set_process_callback(client_.get(), process, this);
    jack_on_shutdown(client_.get(), shut_down, this);
    if (port_ == nullptr || jack_activate(client_.get()) != 0) {
      throw Error(ErrorCode::no_device, "MIDI input: the JACK server gives no port");
    }
    description_ = fmt::format("JACK port {}", jack_port_name(port_));
    if (!port.empty()) {
      listen_to(port);
    }
  }
  ~JackMidi() override { jack_deactivate(client_.get()); }
  JackMidi(const JackMidi&) = delete;
  JackMidi& operator=(const JackMidi&) = delete;

  std::string description() const override { return description_; }
  bool alive() const noexcept override { return alive_.load(); }

 private:
  void listen_to(const std::string& port) {
    const std::vector<std::string> names = ports_of(client_.get());
    const std::string& name = names[find_midi_port(port, names, "JACK")];
    if (jack_connect(client_.get(), name.c_str(), jack_port_name(port_)) != 0) {
      throw Error(ErrorCode::no_device, "MIDI input: JACK does not connect " + name);
    }
    description_ += " from " + name;
  }

  // JACK's thread. A frame of a period becomes a time by a clock of the kind that follows the audio
  // device (which may well be of the same server): both make the same of a period that is lost. JACK's
  // own clock (jack_frames_to_time) needs ten seconds after one, in which keys would come too early.
  static int process(jack_nframes_t frames, void* user) {
    auto& self = *static_cast<JackMidi*>(user);
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    self.clock_.update(self.frames_, static_cast<int>(frames),
                       std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
    void* buffer = jack_port_get_buffer(self.port_, frames);
    const std::uint32_t count = jack_midi_get_event_count(buffer);
    for (std::uint32_t i = 0; i < count; ++i) {
      jack_midi_event_t event;
      if (jack_midi_event_get(&event, buffer, i) == 0) {
        self.receiver_.midi(self.clock_.time_of(self.frames_ + event.time),
                            {event.buffer, event.size});
      }
    }
    self.frames_ += frames;
    return 0;
  }
  static void shut_down(void* user) { static_cast<JackMidi*>(user)->alive_.store(false); }

  Client client_;
  MidiReceiver& receiver_;
  StreamClock clock_;
  std::int64_t frames_ = 0;  // of JACK's thread, since it began
  jack_port_t* port_ = nullptr;
  std::string description_;
  std::atomic<bool> alive_{true};
};

}  // namespace

std::vector<std::string> list_jack_midi() {
  const Client client = connect();
  return client ? ports_of(client.get()) : std::vector<std::string>();
}

bool jack_server_runs() {
  return find_jack_server().has_value();
}

std::unique_ptr<MidiInput> open_jack_midi(const std::string& port, MidiReceiver& receiver) {
  return std::make_unique<JackMidi>(port, receiver);
}

}  // namespace ondes
