#include "models/training/note_evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dsp/metrics/log_spectral_difference.h"
#include "dsp/pitch.h"
#include "engine/lanes/note_lane.h"

namespace ondes {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kClickRatio = 1.5;

double rms(std::span<const float> x) {
  double sum = 0.0;
  for (const float v : x) {
    sum += static_cast<double>(v) * static_cast<double>(v);
  }
  return x.empty() ? 0.0 : std::sqrt(sum / static_cast<double>(x.size()));
}

double to_db(double amplitude) {
  return 20.0 * std::log10(std::max(amplitude, 1e-9));
}

double median(std::vector<double> values) {
  if (values.empty()) {
    return kNaN;
  }
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double pitch_error_cents(std::span<const float> x, double rate_hz, double wanted_hz, int release) {
  const int attack = static_cast<int>(0.04 * rate_hz);
  PitchOptions options;
  options.min_hz = std::max(20.0, wanted_hz / 2.2);
  options.max_hz = std::min(wanted_hz * 2.2, rate_hz / 2.0);
  options.hop_samples = 256;
  const int last = std::min(static_cast<int>(x.size()), release);
  if (last <= attack) {
    return kNaN;
  }
  std::vector<double> errors;
  const auto held =
      x.subspan(static_cast<std::size_t>(attack), static_cast<std::size_t>(last - attack));
  for (const PitchFrame& frame : track_pitch(held, rate_hz, options)) {
    if (frame.hz > 0.0 && frame.aperiodicity < 0.3) {
      errors.push_back(1200.0 * std::log2(frame.hz / wanted_hz));
    }
  }
  return median(std::move(errors));
}

double largest_second_difference(std::span<const float> x, int first, int last) {
  double largest = 0.0;
  for (int n = std::max(2, first); n < std::min(last, static_cast<int>(x.size())); ++n) {
    const auto i = static_cast<std::size_t>(n);
    largest = std::max(largest, std::fabs(static_cast<double>(x[i]) - 2.0 * x[i - 1] + x[i - 2]));
  }
  return largest;
}

// Around the onset against what follows; around the release against what came before.
double onset_click(std::span<const float> x, double rate_hz) {
  const int ms = static_cast<int>(rate_hz / 1000.0);
  return largest_second_difference(x, 0, 2 * ms) /
         std::max(1e-9, largest_second_difference(x, 2 * ms, 42 * ms));
}

double release_click(std::span<const float> x, double rate_hz, int release) {
  const int ms = static_cast<int>(rate_hz / 1000.0);
  return largest_second_difference(x, release - ms, release + 3 * ms) /
         std::max(1e-9, largest_second_difference(x, release - 41 * ms, release - ms));
}

// Through 8-bit mu-law and back (ITU-T G.711's curve).
std::vector<float> companded(std::span<const float> x) {
  std::vector<float> out(x.begin(), x.end());
  for (float& v : out) {
    const double y =
        std::copysign(std::log1p(255.0 * std::min(1.0F, std::fabs(v))) / std::log1p(255.0), v);
    const double level = std::round((y + 1.0) * 127.5);
    const double back = level / 127.5 - 1.0;
    v = static_cast<float>(
        std::copysign(std::expm1(std::fabs(back) * std::log1p(255.0)) / 255.0, back));
  }
  return out;
}

// One batch of notes as lanes of a runner, cut wherever a note is released.
void render_batch(const NoteCorpus& corpus,
                  std::span<const int> notes,
                  const EvaluationOptions& options,
                  LaneRunner* runner,
                  std::vector<NoteLane>* lanes,
                  std::span<std::vector<float>> out) {
  int longest = 0;
  std::vector<float> weights(corpus.instruments.size(), 0.0F);
  for (std::size_t i = 0; i < notes.size(); ++i) {
    const CorpusNote& note = corpus.notes[static_cast<std::size_t>(notes[i])];
    std::fill(weights.begin(), weights.end(), 0.0F);
    weights[static_cast<std::size_t>(note.instrument)] = 1.0F;
    NoteStart start;
    start.channel = note.instrument % 16;
    start.key = static_cast<int>(std::lround(note.pitch_semitones));
    start.velocity = static_cast<float>(note.velocity) / 127.0F;
    start.occurrence = notes[i];
    start.instrument_weights = weights;
    runner->start((*lanes)[i].slot());
    (*lanes)[i].start(start);
    out[i].assign(static_cast<std::size_t>(note.samples), 0.0F);
    longest = std::max(longest, note.samples);
  }
  std::vector<StepLane> steps;
  for (int at = 0; at < longest;) {
    int count = std::min(runner->max_block_samples(), longest - at);
    for (std::size_t i = 0; i < notes.size(); ++i) {
      const CorpusNote& note = corpus.notes[static_cast<std::size_t>(notes[i])];
      if (note.release_sample > at) {
        count = std::min(count, note.release_sample - at);
      } else if (note.release_sample == at) {
        (*lanes)[i].release();
      }
    }
    steps.clear();
    const auto alive = [&](std::size_t i) {
      return !(*lanes)[i].finished() && at < static_cast<int>(out[i].size());
    };
    std::vector<std::size_t> active;
    for (std::size_t i = 0; i < notes.size(); ++i) {
      if (alive(i)) {
        const CorpusNote& note = corpus.notes[static_cast<std::size_t>(notes[i])];
        const float bend =
            note.pitch_semitones - static_cast<float>(std::lround(note.pitch_semitones));
        steps.push_back((*lanes)[i].prepare(count, bend, 0.0F, options.seed, options.temperature));
        active.push_back(i);
      }
    }
    if (active.empty()) {
      return;
    }
    runner->process(steps, count);
    for (const std::size_t i : active) {
      const std::span<const float> block = (*lanes)[i].finish(count);
      const std::size_t room = std::min(block.size(), out[i].size() - static_cast<std::size_t>(at));
      std::copy_n(block.begin(), room, out[i].begin() + at);
    }
    at += count;
  }
}

}  // namespace

std::vector<std::vector<float>> render_notes(const LanePlan& plan,
                                             const NoteContract& contract,
                                             const NoteCorpus& corpus,
                                             std::span<const int> notes,
                                             const EvaluationOptions& options,
                                             const std::function<void(int, int)>& progress) {
  LaneRunnerOptions runner_options;
  runner_options.precision = options.precision;
  runner_options.max_lanes = options.lanes;
  runner_options.threads = options.threads;
  const auto runner = make_cpu_lane_runner(plan, runner_options);
  std::vector<NoteLane> lanes;
  lanes.reserve(static_cast<std::size_t>(options.lanes));
  for (int slot = 0; slot < options.lanes; ++slot) {
    lanes.emplace_back(slot, contract, note_plan(plan), runner_options.max_block_samples);
  }
  // Notes of like length together, so that lanes do not idle.
  std::vector<std::size_t> order(notes.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  const auto length = [&](std::size_t i) {
    return corpus.notes[static_cast<std::size_t>(notes[i])].samples;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return length(a) > length(b); });
  std::vector<std::vector<float>> result(notes.size());
  const auto width = static_cast<std::size_t>(options.lanes);
  for (std::size_t first = 0; first < order.size(); first += width) {
    const std::size_t count = std::min(width, order.size() - first);
    std::vector<int> batch;
    for (std::size_t i = 0; i < count; ++i) {
      batch.push_back(notes[order[first + i]]);
    }
    std::vector<std::vector<float>> rendered(count);
    render_batch(corpus, batch, options, runner.get(), &lanes, rendered);
    for (std::size_t i = 0; i < count; ++i) {
      result[order[first + i]] = std::move(rendered[i]);
    }
    progress(static_cast<int>(first + count), static_cast<int>(notes.size()));
  }
  return result;
}

NoteFigures measure_note(const NoteCorpus& corpus, int index, std::span<const float> rendered) {
  const CorpusNote& note = corpus.notes.at(static_cast<std::size_t>(index));
  const std::span<const float> recorded = corpus.audio(note);
  const double rate = corpus.sample_rate_hz;
  const double wanted_hz = static_cast<double>(semitones_to_hz(note.pitch_semitones));
  NoteFigures f;
  f.note = index;
  f.pitch_error_cents = pitch_error_cents(rendered, rate, wanted_hz, note.release_sample);
  f.recorded_pitch_error_cents = pitch_error_cents(recorded, rate, wanted_hz, note.release_sample);
  const auto sounding = static_cast<std::size_t>(
      std::min(note.samples, note.release_sample + static_cast<int>(0.05 * rate)));
  f.level_error_db = to_db(rms(rendered.first(sounding))) - to_db(rms(recorded.first(sounding)));
  f.spectral_db = log_spectral_difference_db(recorded, rendered);
  f.companded_spectral_db = log_spectral_difference_db(recorded, companded(recorded));
  f.neighbour_spectral_db = kNaN;
  if (note.neighbour >= 0) {
    const auto other = corpus.audio(corpus.notes[static_cast<std::size_t>(note.neighbour)]);
    const std::size_t common = std::min(other.size(), recorded.size());
    f.neighbour_spectral_db =
        log_spectral_difference_db(recorded.first(common), other.first(common));
  }
  f.onset_click = onset_click(rendered, rate);
  f.recorded_onset_click = onset_click(recorded, rate);
  f.release_click = release_click(rendered, rate, note.release_sample);
  f.recorded_release_click = release_click(recorded, rate, note.release_sample);
  const auto tail = std::min(recorded.size(), static_cast<std::size_t>(0.05 * rate));
  f.tail_dbfs = to_db(rms(recorded.last(tail))) < -80.0 ? to_db(rms(rendered.last(tail))) : kNaN;
  return f;
}

bool has_click(const NoteFigures& f) {
  const auto stands_out = [](double ratio, double recorded) {
    return ratio > kClickRatio && ratio > kClickRatio * recorded;
  };
  return stands_out(f.onset_click, f.recorded_onset_click) ||
         stands_out(f.release_click, f.recorded_release_click);
}

namespace {

InstrumentSummary summarise_one(int instrument, std::span<const NoteFigures* const> figures) {
  InstrumentSummary s;
  s.instrument = instrument;
  s.notes = static_cast<int>(figures.size());
  std::vector<double> pitch;
  std::vector<double> level;
  int recorded = 0;
  int recorded_good = 0;
  int neighbours = 0;
  for (const NoteFigures* f : figures) {
    if (!std::isnan(f->pitch_error_cents)) {
      pitch.push_back(std::fabs(f->pitch_error_cents));
    }
    if (!std::isnan(f->recorded_pitch_error_cents)) {
      ++recorded;
      recorded_good += std::fabs(f->recorded_pitch_error_cents) <= 20.0 ? 1 : 0;
    }
    level.push_back(std::fabs(f->level_error_db));
    s.spectral_db += f->spectral_db / s.notes;
    s.companded_spectral_db += f->companded_spectral_db / s.notes;
    if (!std::isnan(f->neighbour_spectral_db)) {
      ++neighbours;
      s.neighbour_spectral_db += f->neighbour_spectral_db;
    }
    s.clicks += has_click(*f) ? 1 : 0;
    s.loud_tails += f->tail_dbfs > -70.0 ? 1 : 0;
  }
  const auto share = [](const std::vector<double>& values, double limit) {
    const auto good =
        std::count_if(values.begin(), values.end(), [limit](double v) { return v <= limit; });
    return values.empty() ? kNaN : static_cast<double>(good) / static_cast<double>(values.size());
  };
  s.pitch_measured = static_cast<int>(pitch.size());
  s.pitch_within_20_cents = share(pitch, 20.0);
  s.recorded_within_20_cents = recorded > 0 ? static_cast<double>(recorded_good) / recorded : kNaN;
  s.level_within_3_db = share(level, 3.0);
  s.median_pitch_error_cents = median(std::move(pitch));
  s.median_level_error_db = median(std::move(level));
  s.neighbour_spectral_db = neighbours > 0 ? s.neighbour_spectral_db / neighbours : kNaN;
  return s;
}

}  // namespace

std::vector<InstrumentSummary> summarise(const NoteCorpus& corpus,
                                         std::span<const NoteFigures> figures) {
  std::vector<InstrumentSummary> result;
  std::vector<const NoteFigures*> all;
  for (int i = 0; i < static_cast<int>(corpus.instruments.size()); ++i) {
    std::vector<const NoteFigures*> mine;
    for (const NoteFigures& f : figures) {
      if (corpus.notes[static_cast<std::size_t>(f.note)].instrument == i) {
        mine.push_back(&f);
      }
    }
    if (!mine.empty()) {
      result.push_back(summarise_one(i, mine));
    }
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::stable_sort(result.begin(), result.end(),
                   [](const InstrumentSummary& a, const InstrumentSummary& b) {
                     return a.spectral_db > b.spectral_db;
                   });
  if (!all.empty()) {
    result.push_back(summarise_one(-1, all));
  }
  return result;
}

}  // namespace ondes
