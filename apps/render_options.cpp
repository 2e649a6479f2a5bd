#include "apps/render_options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <nlohmann/json.hpp>
#include <vector>

#include "apps/cli_options.h"
#include "apps/precision_names.h"
#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "engine/score/general_midi.h"

namespace ondes {
namespace {

constexpr double kMaxTailS = 600.0;
constexpr int kMaxLanes = 1024;
constexpr int kMaxRateHz = 384000;

const std::map<std::string, ClipChoice> kClipNames{
    {"error", ClipChoice::error}, {"rescale", ClipChoice::rescale}, {"clamp", ClipChoice::clamp}};

template <typename T>
std::string name_of(const std::map<std::string, T>& names, T value) {
  for (const auto& [name, candidate] : names) {
    if (candidate == value) {
      return name;
    }
  }
  return "?";
}

template <typename T>
std::vector<std::string> keys(const std::map<std::string, T>& names) {
  std::vector<std::string> result;
  for (const auto& entry : names) {
    result.push_back(entry.first);
  }
  return result;
}

// A name of `names` as an option's value.
template <typename T>
void add_choice(CLI::App& command,
                const std::string& flag,
                T& value,
                const std::map<std::string, T>& names,
                const std::string& help) {
  command
      .add_option_function<std::string>(
          flag, [&value, &names](const std::string& name) { value = names.at(name); }, help)
      ->check(CLI::IsMember(keys(names)))
      ->default_str(name_of(names, value));
}

// CLI11 reads numbers with strtoull, which wraps negative ones and clamps large ones.
bool read_seed(const std::string& text, std::uint64_t& seed) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, seed);
  return error == std::errc() && stop == end;
}

void add_program_override(RenderOptions& options, const std::string& text) {
  const std::size_t equals = text.find('=');
  int program = -1;
  const char* end = text.data() + std::min(equals, text.size());
  const auto [stop, error] = std::from_chars(text.data(), end, program);
  if (equals == std::string::npos || error != std::errc() || stop != end || program < 0 ||
      program >= kPrograms) {
    throw Error(ErrorCode::usage,
                "--program: expected N=INSTRUMENT with N from 0 to 127, found '" + text + "'");
  }
  options.programs[program] = text.substr(equals + 1);
}

}  // namespace

const std::map<std::string, SampleFormat>& format_names() {
  static const std::map<std::string, SampleFormat> names{
      {"16", SampleFormat::pcm16}, {"24", SampleFormat::pcm24}, {"32f", SampleFormat::float32}};
  return names;
}

void add_device_options(CLI::App& command, RenderOptions& options) {
  command.add_option("--device", options.device, "auto, cpu or cuda")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->each([&options](const std::string& /*name*/) { options.device_named = true; })
      ->capture_default_str();
  command.add_option("--threads", options.threads, "Threads; 0: one a processor")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
}

void add_synthesis_options(CLI::App& command, RenderOptions& options) {
  command
      .add_option_function<std::vector<std::string>>(
          "--program",
          [&options](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) {
              add_program_override(options, text);
            }
          },
          "Play General MIDI program N (0..127) with an instrument of the voice; repeatable")
      ->type_name("N=INSTRUMENT");
  command
      .add_option_function<std::string>(
          "--seed",
          [&options](const std::string& text) {
            if (!read_seed(text, options.seed)) {
              throw Error(
                  ErrorCode::usage,
                  "--seed: expected a number from 0 to 18446744073709551615, found '" + text + "'");
            }
          },
          "Seed of the random numbers; the same seed gives the same bytes")
      ->type_name("UINT")
      ->default_str("0");
  command
      .add_option("--temperature", options.temperature,
                  "Spread of the sampling; 0: the most likely (default: the voice's)")
      ->check(finite_range(0.0, 10.0));
  add_choice(command, "--precision", options.precision, precision_names(),
             "Arithmetic of the network; i16 and i8 give the same bytes on every machine");
  command
      .add_option("--speaker", options.speaker,
                  "Speaker of a generator trained on several: a number from 0, or a name that the "
                  "voice lists")
      ->type_name("N|NAME");
  command.add_option("--max-lanes", options.max_lanes, "Notes that may sound at once")
      ->check(CLI::Range(1, kMaxLanes))
      ->capture_default_str();
  command.add_option("--gain-db", options.gain_db, "Gain of the mix in dB")
      ->check(finite_range(-120.0, 60.0))
      ->capture_default_str();
  add_device_options(command, options);
}

void add_render_options(CLI::App& command, RenderOptions& options) {
  add_synthesis_options(command, options);
  command
      .add_option("--rate", options.rate_hz, "Sample rate of the file in Hz (default: the voice's)")
      ->check(CLI::Range(1000, kMaxRateHz));
  add_choice(command, "--bits", options.format, format_names(), "Sample format");
  command.add_flag("--dither,!--no-dither", options.dither,
                   "TPDF dither of integer formats (default: on)");
  add_choice(command, "--clip", options.clip, kClipNames,
             "Where samples pass full scale: fail, turn the whole file down, or clamp them");
  command.add_option("--lufs", options.lufs, "Bring the file to this loudness (BS.1770)")
      ->check(finite_range(-70.0, 0.0));
  command
      .add_option("--tail", options.tail_s,
                  "Seconds after the score's last event (default: until the sound has died away)")
      ->check(finite_range(0.0, kMaxTailS));
}

nlohmann::json render_options_to_json(const RenderOptions& options) {
  nlohmann::json programs = nlohmann::json::object();
  for (const auto& [program, instrument] : options.programs) {
    programs[std::to_string(program)] = instrument;
  }
  nlohmann::json object = {{"programs", programs},
                           // As text: a JSON number holds 53 bits in many readers.
                           {"seed", std::to_string(options.seed)},
                           {"precision", name_of(precision_names(), options.precision)},
                           {"rate", options.rate_hz},
                           {"bits", name_of(format_names(), options.format)},
                           {"dither", options.dither},
                           {"clip", name_of(kClipNames, options.clip)},
                           {"max_lanes", options.max_lanes},
                           {"gain_db", options.gain_db}};
  if (options.temperature) {
    object["temperature"] = *options.temperature;
  }
  if (options.speaker) {
    object["speaker"] = *options.speaker;
  }
  if (options.lufs) {
    object["lufs"] = *options.lufs;
  }
  if (options.tail_s) {
    object["tail"] = *options.tail_s;
  }
  return object;
}

RenderOptions render_options_from_json(const nlohmann::json& object, const std::string& where) {
  RenderOptions options;
  JsonFields fields(object, where);
  for (const auto& [program, instrument] : fields.object("programs").items()) {
    if (!instrument.is_string()) {
      fields.refuse("programs", "names of instruments", "something else");
    }
    add_program_override(options, program + "=" + instrument.get<std::string>());
  }
  const std::string seed = fields.text("seed");
  if (!read_seed(seed, options.seed)) {
    fields.refuse("seed", "a 64-bit number in quotes", quote(seed));
  }
  const auto choose = [&](const std::string& field, const auto& names, auto& value) {
    const std::vector<std::string> known = keys(names);
    value = names.at(known[fields.choice(field, known)]);
  };
  if (fields.has("temperature")) {
    options.temperature = fields.number("temperature", 0.0, 10.0);
  }
  choose("precision", precision_names(), options.precision);
  options.rate_hz = fields.integer("rate", 0, kMaxRateHz);
  choose("bits", format_names(), options.format);
  options.dither = fields.boolean("dither", true);
  choose("clip", kClipNames, options.clip);
  options.max_lanes = fields.integer("max_lanes", 1, kMaxLanes);
  options.gain_db = fields.number("gain_db", -120.0, 60.0);
  if (fields.has("speaker")) {
    options.speaker = fields.text("speaker");
  }
  if (fields.has("lufs")) {
    options.lufs = fields.number("lufs", -70.0, 0.0);
  }
  if (fields.has("tail")) {
    options.tail_s = fields.number("tail", 0.0, kMaxTailS);
  }
  fields.refuse_unknown();
  return options;
}

std::array<int, kPrograms> map_programs(const NoteContract& contract,
                                        const std::map<int, std::string>& overrides) {
  std::array<int, kPrograms> map{};
  for (int program = 0; program < kPrograms; ++program) {
    map[static_cast<std::size_t>(program)] =
        choose_instrument(program, contract.programs).instrument;
  }
  for (const auto& [program, name] : overrides) {
    const auto found = std::find(contract.instruments.begin(), contract.instruments.end(), name);
    if (found == contract.instruments.end()) {
      std::string known;
      for (const std::string& instrument : contract.instruments) {
        known += (known.empty() ? "" : ", ") + instrument;
      }
      throw Error(ErrorCode::usage, "--program " + std::to_string(program) + ": the voice has no " +
                                        quote(name) + "; it has: " + known);
    }
    map[static_cast<std::size_t>(program)] = static_cast<int>(found - contract.instruments.begin());
  }
  return map;
}

}  // namespace ondes
