#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "apps/commands.h"
#include "apps/exit_codes.h"
#include "apps/play/audio_device.h"
#include "apps/play/midi_input.h"
#include "apps/precision_names.h"
#include "apps/print.h"
#include "apps/renderer.h"
#include "apps/scratch_file.h"
#include "apps/voices.h"
#include "cuda/backend.h"
#include "dsp/versions.h"
#include "engine/cpu/runner_options.h"
#include "engine/error.h"
#include "engine/stream/render_priority.h"

namespace ondes {
namespace {

struct Check {
  std::string name;
  bool good = true;
  std::string found;
};

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) {
      return line.substr(line.find(':') + 2);
    }
  }
  return "unknown processor";
}

Check check(const std::string& name, const std::function<std::string()>& look) {
  try {
    return {name, true, look()};
  } catch (const std::exception& error) {
    return {name, false, error.what()};
  }
}

std::string instruction_sets() {
  std::string names;
  for (const Isa isa : supported_isas()) {
    names += (names.empty() ? "" : ", ") + isa_name(isa);
  }
  return names + "; chosen: " + isa_name(chosen_isa());
}

// Each precision makes a runner of the default voice, which is what rendering needs.
std::string try_precision(Precision precision) {
  const Voice voice = load_voice(locate_voice(""));
  StepRunnerOptions options;
  options.precision = precision;
  options.max_lanes = 1;
  return make_cpu_lane_runner(voice.plan, options)->description();
}

// The devices, what `auto` makes of them, and what the planner picks on one for a note and for many of
// every voice that has kernels. No device is no fault; one that is there and cannot run a voice is.
std::string try_cuda() {
  std::string found =
      cuda_description() + "; auto takes the " + (choose_device("auto").cuda ? "GPU" : "CPU");
  if (!cuda_available()) {
    return found;
  }
  for (const auto& path : find_voices()) {
    const Voice voice = load_voice(path);
    const bool steps = voice.kind == VoiceKind::notes || voice.autoregressive;
    const auto* step = steps ? std::get_if<StepPlan>(&voice.plan) : nullptr;
    for (const int lanes : {1, 16, 256}) {
      if (step != nullptr) {
        StepRunnerOptions options;
        options.max_lanes = lanes;
        options.max_block_samples = 1;
        found += fmt::format("; {}, {} at once: {}", voice.file.name, lanes,
                             make_cuda_step_runner(*step, options)->description());
      }
    }
  }
  return found;
}

std::string try_writing() {
  ScratchFile file(".", "this folder");
  const std::array<float, 2> written{1.0F, -1.0F};
  std::array<float, 2> read{};
  file.append(written);
  file.rewind();
  if (file.read(read) != 2 || read != written) {
    throw Error(ErrorCode::io, "what was written does not read back");
  }
  return "this folder can be written";
}

std::string voices_found() {
  std::string names;
  for (const auto& path : find_voices()) {
    load_voice(path);
    names += (names.empty() ? "" : ", ") + path.string();
  }
  if (names.empty()) {
    throw Error(ErrorCode::bad_input, "none; see samples/voices/README.md");
  }
  return names;
}

// A machine without sound renders all the same: its absence is no fault.
std::string audio_found() {
  std::string text;
  try {
    for (const AudioDeviceInfo& device : list_audio_devices()) {
      text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", device.api, device.name);
    }
  } catch (const Error& error) {
    text = error.what();
  }
  return text.empty() ? "no output device; `ondes devices` says what to try" : text;
}

std::string midi_found() {
  std::string text;
  for (const MidiPort& port : list_midi_ports()) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", port.api, port.name);
  }
  return text.empty() ? "nothing to listen to; `ondes live` waits with a port of its own" : text;
}

// Asked for by a thread of its own, since it is a thread that gets it.
std::string priority_found() {
  bool given = false;
  std::thread([&] { given = take_render_priority(); }).join();
  return given ? "render threads are scheduled in real time"
               : "not allowed: playing is scheduled as everything else; a limit `rtprio` for your "
                 "user (limits.conf) or the group of your sound server changes that";
}

int run_doctor(bool json) {
  std::vector<Check> checks;
  checks.push_back({"version", true, ONDES_VERSION});
  checks.push_back(
      {"processor", true,
       fmt::format("{}, {} threads", processor_name(), std::thread::hardware_concurrency())});
  checks.push_back(check("instruction sets", instruction_sets));
  checks.push_back(check("voices", voices_found));
  for (const auto& [name, precision] : precision_names()) {
    if (precision == Precision::f16) {
      continue;  // a GPU's
    }
    checks.push_back(check("precision " + name, [p = precision] { return try_precision(p); }));
  }
  checks.push_back(check("cuda", try_cuda));
  checks.push_back({"audio", true, audio_found()});
  checks.push_back({"midi", true, midi_found()});
  checks.push_back({"priority", true, priority_found()});
  checks.push_back(check("writing", try_writing));
  checks.push_back(check("libraries", [] {
    return dsp_library_versions() +
           fmt::format(", nlohmann-json {}.{}.{}, CLI11 {}, fmt {}.{}.{}",
                       NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                       NLOHMANN_JSON_VERSION_PATCH, CLI11_VERSION, FMT_VERSION / 10000,
                       FMT_VERSION / 100 % 100, FMT_VERSION % 100);
  }));
  bool good = true;
  nlohmann::json rows = nlohmann::json::array();
  for (const Check& result : checks) {
    good = good && result.good;
    rows.push_back({{"check", result.name}, {"ok", result.good}, {"found", result.found}});
    if (!json) {
      std::fputs(
          fmt::format("{:<4} {:<17} {}\n", result.good ? "ok" : "BAD", result.name, result.found)
              .c_str(),
          stdout);
    }
  }
  if (json) {
    print_json({{"ok", good}, {"checks", rows}});
  }
  return good ? kExitDone : kExitThreshold;
}

}  // namespace

void add_doctor_command(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand(
      "doctor", "Say what this machine and installation can do; exit code 6 if something is wrong");
  auto json = std::make_shared<bool>(false);
  sub->add_flag("--json", *json, "As JSON");
  sub->callback([json, &action] { action = [json] { return run_doctor(*json); }; });
}

}  // namespace ondes
