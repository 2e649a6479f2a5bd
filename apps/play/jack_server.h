// The JACK server of this machine, if one runs; none is started. Control thread.
#pragma once
#include <optional>

namespace ondes {

struct JackServerInfo {
  int rate_hz = 0;
  int period_frames = 0;  // what every client is asked for at once
};

std::optional<JackServerInfo> find_jack_server();

}  // namespace ondes
