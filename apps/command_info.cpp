#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/exit_codes.h"
#include "apps/file_kind.h"
#include "apps/input_file.h"
#include "apps/print.h"
#include "apps/recipe.h"
#include "apps/score_file.h"
#include "apps/tensor_info.h"
#include "apps/voices.h"
#include "dsp/audio_file.h"
#include "engine/files/mapped_file.h"
#include "engine/score/general_midi.h"
#include "engine/weights/mel_contract_json.h"
#include "engine/weights/mel_file.h"
#include "models/block_calibration.h"

namespace ondes {
namespace {

constexpr unsigned char kNpyFirstByte = 0x93;
constexpr std::size_t kTensorsShown = 20;

nlohmann::json score_info(const std::string& path) {
  const Score score = load_score(path);
  const Performance& performance = score.performance;
  nlohmann::json tracks = nlohmann::json::array();
  std::map<int, std::int64_t> track_notes;
  for (const PerformanceNote& note : performance.notes) {
    ++track_notes[note.track];
  }
  for (std::size_t i = 0; i < score.midi.tracks.size(); ++i) {
    tracks.push_back({{"name", score.midi.tracks[i].name},
                      {"events", score.midi.tracks[i].events.size()},
                      {"notes", track_notes[static_cast<int>(i)]}});
  }
  // Notes by the program in force, as they will sound.
  std::array<int, 16> program{};
  std::map<int, std::int64_t> program_notes;
  std::size_t next = 0;
  for (const PerformanceNote& note : performance.notes) {
    while (next < performance.controls.size() &&
           performance.controls[next].time_s <= note.onset_s) {
      const PerformanceControl& control = performance.controls[next++];
      if (control.kind == ControlKind::program) {
        program[static_cast<std::size_t>(control.channel)] = static_cast<int>(control.value);
      }
    }
    ++program_notes[program[static_cast<std::size_t>(note.channel)]];
  }
  nlohmann::json programs = nlohmann::json::array();
  for (const auto& [number, notes] : program_notes) {
    programs.push_back(
        {{"program", number}, {"name", std::string(gm_program_name(number))}, {"notes", notes}});
  }
  return {{"kind", "score"},
          {"title", performance.title},
          {"format", score.midi.format},
          {"duration_s", performance.duration_s},
          {"notes", performance.notes.size()},
          {"controls", performance.controls.size()},
          {"max_polyphony", performance.max_polyphony},
          {"percussion_notes_left_out", performance.percussion_notes},
          {"unmatched_note_offs", performance.unmatched_note_offs},
          {"hanging_notes", performance.hanging_notes},
          {"programs", programs},
          {"tracks", tracks},
          {"sha256", score.sha256}};
}

nlohmann::json voice_info(const std::string& path) {
  const Voice voice = load_voice(path);
  nlohmann::json info = *voice.file.description;
  info["kind"] = "voice";
  info["takes"] = voice.file.feature_kind;
  std::size_t bytes = 0;
  for (const auto& [tensor, view] : voice.file.weights.tensors) {
    bytes += is_block_calibration(tensor) ? 0 : view.bytes.size();
  }
  info["parameters"] = bytes / sizeof(float);
  info["sha256"] = voice.file.sha256;
  info["tensors"] = voice.file.weights.tensors.size();
  if (voice.speakers > 0) {
    info["speaker_count"] = voice.speakers;
  }
  if (voice.kind == VoiceKind::mel) {
    // Autoregressive ones calibrate themselves.
    info["calibrated_for_i8"] = voice.autoregressive || !voice.blocks.ranges.empty();
  }
  if (voice.kind != VoiceKind::notes) {
    info["macs_per_sample"] = std::llround(macs_per_sample(voice));
    info["latency_frames"] = latency_frames(voice);
    info["latency_ms"] =
        1000.0 * latency_frames(voice) * samples_per_frame(voice) / voice.file.sample_rate_hz;
    return info;
  }
  info["macs_per_sample"] = macs_per_sample(voice.plan);
  nlohmann::json instruments = nlohmann::json::array();
  for (std::size_t i = 0; i < voice.contract.instruments.size(); ++i) {
    const int program = voice.contract.programs[i];
    instruments.push_back({{"name", voice.contract.instruments[i]},
                           {"program", program},
                           {"general_midi", std::string(gm_program_name(program))}});
  }
  info["instruments"] = instruments;
  return info;
}

nlohmann::json mel_info(const std::string& path) {
  const MappedFile file(path);
  if (file.bytes().empty() || std::to_integer<unsigned char>(file.bytes()[0]) == kNpyFirstByte ||
      path.ends_with(".npy")) {
    return array_info(path);
  }
  const Mel mel = parse_mel_safetensors(file.bytes(), path);
  return {{"kind", "mel"},
          {"mels", mel.mels},
          {"frames", mel.frames},
          {"features", mel_contract_to_json(mel.contract.value())}};
}

nlohmann::json audio_info(const std::string& path) {
  const AudioFileReader reader(path);
  const AudioInfo& audio = reader.info();
  nlohmann::json info = {{"kind", "audio"},
                         {"format", audio.format},
                         {"rate", audio.sample_rate_hz},
                         {"channels", audio.channels},
                         {"frames", audio.frames},
                         {"duration_s", static_cast<double>(audio.frames) / audio.sample_rate_hz}};
  if (looks_like_recipe(audio.text)) {
    recipe_from_text(audio.text, path);  // a broken one is an error, not a decoration
    info["recipe"] = nlohmann::json::parse(audio.text);
  } else if (!audio.text.empty()) {
    info["comment"] = audio.text;
  }
  return info;
}

// One line a field, nested objects indented, lists of objects one entry a line.
void print_fields(const nlohmann::json& object, int indent) {
  const std::string pad(static_cast<std::size_t>(indent), ' ');
  const auto plain = [](const nlohmann::json& value) {
    return value.is_string() ? value.get<std::string>()
                             : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  for (const auto& [key, value] : object.items()) {
    if (value.is_object()) {
      std::fputs(fmt::format("{}{}:\n", pad, key).c_str(), stdout);
      print_fields(value, indent + 2);
    } else if (value.is_array() && !value.empty() && value.front().is_object()) {
      std::fputs(fmt::format("{}{}:\n", pad, key).c_str(), stdout);
      for (const auto& entry : value) {
        std::string line;
        for (const auto& [name, field] : entry.items()) {
          line += fmt::format("{}{} {}", line.empty() ? "" : ", ", name, plain(field));
        }
        std::fputs(fmt::format("{}  {}\n", pad, line).c_str(), stdout);
      }
    } else {
      std::fputs(fmt::format("{}{}: {}\n", pad, key, plain(value)).c_str(), stdout);
    }
  }
}

nlohmann::json info_of(const std::string& path) {
  switch (file_kind_of(path)) {
    case FileKind::score:
      return score_info(path);
    case FileKind::voice:
      return voice_info(path);
    case FileKind::mel:
      return mel_info(path);
    case FileKind::audio:
      return audio_info(path);
    case FileKind::checkpoint:
      return checkpoint_info(path);
  }
  return {};
}

// People see the first of a checkpoint's tensors.
void shorten_tensor_list(nlohmann::json* info) {
  const auto list = info->find("tensor_list");
  if (list == info->end() || list->size() <= kTensorsShown) {
    return;
  }
  const std::size_t more = list->size() - kTensorsShown;
  list->erase(list->begin() + static_cast<std::ptrdiff_t>(kTensorsShown), list->end());
  (*info)["tensor_list_left_out"] = fmt::format("{} more; --json has all", more);
}

int run_info(const std::vector<std::string>& paths, bool json) {
  nlohmann::json all = nlohmann::json::array();
  for (const std::string& path : paths) {
    const InputFile input(path);
    nlohmann::json info;
    try {
      info = info_of(input.path());
    } catch (const Error& error) {
      throw input.named(error);
    }
    if (json) {
      info["path"] = path;
      all.push_back(info);
      continue;
    }
    std::fputs((path + "\n").c_str(), stdout);
    shorten_tensor_list(&info);
    print_fields(info, 2);
  }
  if (json) {
    print_json(paths.size() == 1 ? all.front() : all);
  }
  return kExitDone;
}

}  // namespace

void add_info_command(CLI::App& app, Action& action) {
  CLI::App* sub = app.add_subcommand(
      "info", "Explain sound files (recipe), voices, scores, mels, arrays and checkpoints");
  auto paths = std::make_shared<std::vector<std::string>>();
  auto json = std::make_shared<bool>(false);
  sub->add_option("files", *paths, "Files of any of these kinds; - is standard input")->required();
  sub->add_flag("--json", *json, "As JSON: an object, or a list for several files");
  sub->callback(
      [paths, json, &action] { action = [paths, json] { return run_info(*paths, *json); }; });
}

}  // namespace ondes
