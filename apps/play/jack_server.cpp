#include "apps/play/jack_server.h"

#include <jack/jack.h>

namespace ondes {
namespace {

void say_nothing(const char*) {}

}  // namespace

std::optional<JackServerInfo> find_jack_server() {
  jack_set_error_function(say_nothing);
  jack_set_info_function(say_nothing);
  jack_client_t* client = jack_client_open("ondes-look", JackNoStartServer, nullptr);
  if (client == nullptr) {
    return std::nullopt;
  }
  const JackServerInfo info{static_cast<int>(jack_get_sample_rate(client)),
                            static_cast<int>(jack_get_buffer_size(client))};
  jack_client_close(client);
  return info;
}

}  // namespace ondes
