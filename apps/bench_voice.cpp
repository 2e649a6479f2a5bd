#include "apps/bench_voice.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "apps/exit_codes.h"
#include "apps/interrupt.h"
#include "apps/precision_names.h"
#include "apps/renderer.h"
#include "apps/voices.h"
#include "engine/buffer.h"
#include "engine/error.h"
#include "engine/flush_to_zero.h"
#include "engine/lanes/synth.h"

namespace ondes {
namespace {

using Clock = std::chrono::steady_clock;

struct Line {
  std::string description;
  std::string precision;
  int lanes = 0;
  int threads = 0;
  double median = 0.0;  // time of a block over its duration; 1 is real time
  double p999 = 0.0;
  double worst = 0.0;
};

double at_share(std::vector<double> values, double share) {
  const auto index = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index),
                   values.end());
  return values[index];
}

// Keys spread over four octaves and over the instruments, all struck at the start and held.
Line measure(const Voice& voice,
             const VoiceBenchOptions& options,
             const std::string& precision,
             int lanes,
             int threads) {
  LaneRunnerOptions runner_options;
  runner_options.precision = precision_names().at(precision);
  runner_options.max_lanes = lanes;
  runner_options.max_block_samples = options.block_frames;
  runner_options.threads = threads;
  const auto runner = make_runner({options.cuda, {}}, voice.plan, runner_options);
  SynthOptions synth_options;
  synth_options.temperature = static_cast<float>(voice.file.temperature);
  const int instruments = static_cast<int>(voice.contract.instruments.size());
  for (int program = 0; program < kPrograms; ++program) {
    synth_options.instrument_of_program[static_cast<std::size_t>(program)] = program % instruments;
  }
  Synth synth(note_plan(voice.plan), voice.contract, *runner, synth_options);
  const int rate_hz = voice.contract.sample_rate_hz;
  const int blocks =
      std::max(8, static_cast<int>(options.seconds * rate_hz / options.block_frames));
  Buffer mix(options.block_frames, 2);
  std::vector<double> times;
  const FlushToZeroScope flush;
  for (int block = 0; block < blocks; ++block) {
    std::vector<SynthEvent> events;
    // Struck again every second, so that percussive notes do not fade out of the measurement.
    const std::int64_t position = synth.position_samples();
    const bool strikes =
        position == 0 || position / rate_hz != (position - options.block_frames) / rate_hz;
    for (int i = 0; strikes && i < lanes; ++i) {
      SynthEvent event;
      event.sample = position;
      event.channel = i % kChannels;
      event.key = 48 + (7 * i) % 36;
      if (position == 0) {
        SynthEvent instrument = event;
        instrument.kind = SynthEventKind::control;
        instrument.value = static_cast<float>(i);
        events.push_back(instrument);
      }
      if (position > 0) {
        event.kind = SynthEventKind::note_off;
        events.push_back(event);
      }
      event.kind = SynthEventKind::note_on;
      event.value = 0.8F;
      events.push_back(event);
    }
    check_interrupted();
    const auto start = Clock::now();
    synth.process(events, mix.view());
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (block >= 4) {  // caches and workers are awake
      times.push_back(seconds * rate_hz / options.block_frames);
    }
  }
  if (synth.stats().lanes_max != lanes) {
    throw std::logic_error("bench voice: " + std::to_string(synth.stats().lanes_max) +
                           " lanes sounded, not " + std::to_string(lanes));
  }
  return {runner->description(),  precision,           lanes, threads, at_share(times, 0.5),
          at_share(times, 0.999), at_share(times, 1.0)};
}

std::string load_average() {
  std::ifstream stream("/proc/loadavg");
  std::string text;
  std::getline(stream, text);
  return text;
}

}  // namespace

int run_bench_voice(const VoiceBenchOptions& options) {
#ifndef NDEBUG
  throw Error(ErrorCode::usage, "bench: this is a debug build; build with `make build`");
#endif
  const Voice voice = load_voice(locate_voice(options.voice));
  if (voice.kind != VoiceKind::notes) {
    throw Error(ErrorCode::usage, voice.path + ": expected a voice that plays notes");
  }
  if (!options.json) {
    fmt::print(
        "voice {} ({}), {} Hz, blocks of {} frames ({:.2f} ms), load average {}\n"
        "real-time factor of a block: below 1 it keeps up\n\n{:>5} {:>7} {:>9} {:>9} {:>9} {:>9}  "
        "runner\n",
        voice.file.name, voice.file.architecture, voice.contract.sample_rate_hz,
        options.block_frames, 1e3 * options.block_frames / voice.contract.sample_rate_hz,
        load_average(), "lanes", "threads", "precision", "median", "p99.9", "worst");
  }
  for (const std::string& precision : options.precisions) {
    for (const int lanes : options.lanes) {
      for (const int threads : options.threads) {
        const Line line = measure(voice, options, precision, lanes, threads);
        if (options.json) {
          const nlohmann::json row = {{"voice", voice.file.name},
                                      {"lanes", line.lanes},
                                      {"threads", line.threads},
                                      {"precision", line.precision},
                                      {"block_frames", options.block_frames},
                                      {"real_time_factor_median", line.median},
                                      {"real_time_factor_p999", line.p999},
                                      {"real_time_factor_worst", line.worst},
                                      {"runner", line.description}};
          fmt::print("{}\n", row.dump());
        } else {
          fmt::print("{:>5} {:>7} {:>9} {:>9.3f} {:>9.3f} {:>9.3f}  {}\n", line.lanes, line.threads,
                     line.precision, line.median, line.p999, line.worst, line.description);
        }
      }
    }
  }
  return kExitDone;
}

}  // namespace ondes
