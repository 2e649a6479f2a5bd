#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/exit_codes.h"
#include "apps/play/audio_device.h"
#include "apps/print.h"

namespace ondes {
namespace {

std::string rates_text(const std::vector<int>& rates_hz) {
  std::string text;
  for (const int rate : rates_hz) {
    text += (text.empty() ? "" : " ") + fmt::format("{:g}", rate / 1000.0);
  }
  return text.empty() ? "none of the usual ones" : text + " kHz";
}

nlohmann::json to_json(const AudioDeviceInfo& info) {
  return {{"index", info.index},
          {"api", info.api},
          {"name", info.name},
          {"output_channels", info.output_channels},
          {"default_rate", info.default_rate_hz},
          {"low_latency_ms", info.low_latency_ms},
          {"high_latency_ms", info.high_latency_ms},
          {"rates", info.rates_hz},
          {"default", info.is_default}};
}

int run_devices(bool json) {
  const std::vector<AudioDeviceInfo> devices = list_audio_devices();
  if (json) {
    nlohmann::json list = nlohmann::json::array();
    for (const AudioDeviceInfo& info : devices) {
      list.push_back(to_json(info));
    }
    print_json({{"outputs", list}, {"advice", audio_advice()}});
    return devices.empty() ? kExitNoDevice : kExitDone;
  }
  for (const AudioDeviceInfo& info : devices) {
    std::fputs(fmt::format("{:>3}{} {}: {}\n      {} channels, {:g} kHz by default, takes {}; "
                           "latency {:.0f} to {:.0f} ms\n",
                           info.index, info.is_default ? "*" : " ", info.api, info.name,
                           info.output_channels, info.default_rate_hz / 1000.0,
                           rates_text(info.rates_hz), info.low_latency_ms, info.high_latency_ms)
                   .c_str(),
               stdout);
  }
  if (!devices.empty()) {
    std::fputs("  * is the default; --audio-device takes a number or a part of the name\n", stdout);
    return kExitDone;
  }
  std::fputs("ondes: no audio output device\n", stderr);
  for (const std::string& line : audio_advice()) {
    std::fputs(fmt::format("  {}\n", line).c_str(), stderr);
  }
  return kExitNoDevice;
}

}  // namespace

void add_devices_command(CLI::App& app, Action& action) {
  CLI::App* sub =
      app.add_subcommand("devices", "Audio outputs: host APIs, devices, rates, latencies");
  auto json = std::make_shared<bool>(false);
  sub->add_flag("--json", *json, "As JSON on standard output");
  sub->callback([json, &action] { action = [json] { return run_devices(*json); }; });
}

}  // namespace ondes
