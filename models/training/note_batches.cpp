#include "models/training/note_batches.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/random/philox.h"

namespace ondes {
namespace {

// Philox identities: what a draw is for.
constexpr std::uint64_t kPlaceDraw = 1;
constexpr std::uint64_t kNoiseDraw = 2;

double normal(std::uint32_t a, std::uint32_t b) {
  return std::sqrt(-2.0 * std::log(static_cast<double>(uniform_open(a)))) *
         std::cos(6.283185307179586 * static_cast<double>(uniform_open(b)));
}

// A corpus file may come from anywhere; the writer's own check does not help there.
void check_finite(std::span<const float> audio, std::size_t note) {
  for (std::size_t i = 0; i < audio.size(); ++i) {
    if (!std::isfinite(audio[i])) {
      throw Error(ErrorCode::bad_input, "corpus: note " + std::to_string(note) + ", sample " +
                                            std::to_string(i) +
                                            ": expected a finite number, found NaN or Inf");
    }
  }
}

}  // namespace

NoteBatches::NoteBatches(const NoteCorpus& corpus, const NoteContract& contract)
    : corpus_(corpus), contract_(contract), analyses_(corpus.notes.size()) {
  if (corpus.sample_rate_hz != contract.sample_rate_hz) {
    throw Error(ErrorCode::bad_input, "corpus: sample_rate: expected " +
                                          std::to_string(contract.sample_rate_hz) + ", found " +
                                          std::to_string(corpus.sample_rate_hz));
  }
  at::parallel_for(0, static_cast<std::int64_t>(corpus.notes.size()), 16,
                   [&](std::int64_t first, std::int64_t last) {
                     for (std::int64_t i = first; i < last; ++i) {
                       const auto k = static_cast<std::size_t>(i);
                       check_finite(corpus.audio(corpus.notes[k]), k);
                       analyses_[k] =
                           analyse_note(corpus.audio(corpus.notes[k]), corpus.notes[k], contract_);
                     }
                   });
  by_split_.assign(3, std::vector<std::vector<int>>(corpus.instruments.size()));
  for (std::size_t i = 0; i < corpus.notes.size(); ++i) {
    const CorpusNote& note = corpus.notes[i];
    if (!note.is_neighbour && analyses_[i].audible_samples > contract_.hop_samples) {
      by_split_[static_cast<std::size_t>(note.split)][static_cast<std::size_t>(note.instrument)]
          .push_back(static_cast<int>(i));
    }
  }
}

NoteBatches::Place NoteBatches::draw_place(const NoteBatchOptions& options,
                                           Split split,
                                           std::int64_t step,
                                           int b) const {
  const PhiloxBlock dice = philox_draw(options.seed, (kPlaceDraw << 32U) | static_cast<unsigned>(b),
                                       static_cast<std::uint64_t>(step));
  const auto& instruments = by_split_[static_cast<std::size_t>(split)];
  // Instruments in turn, notes at random: every batch holds all families.
  const auto n = static_cast<std::int64_t>(instruments.size());
  const std::vector<int>* notes = nullptr;
  for (std::int64_t i = 0; i < n && (notes == nullptr || notes->empty()); ++i) {
    notes = &instruments[static_cast<std::size_t>((step * options.segments + b + i) % n)];
  }
  if (notes == nullptr || notes->empty()) {
    throw Error(ErrorCode::bad_input, "corpus: no audible notes in the split that was asked for");
  }
  const auto pick = [](std::uint32_t bits, std::int64_t count) {
    return static_cast<std::int64_t>(static_cast<double>(uniform_open(bits)) *
                                     static_cast<double>(count));
  };
  Place place;
  place.note =
      (*notes)[static_cast<std::size_t>(pick(dice[0], static_cast<std::int64_t>(notes->size())))];
  const CorpusNote& note = corpus_.notes[static_cast<std::size_t>(place.note)];
  const int audible = analyses_[static_cast<std::size_t>(place.note)].audible_samples;
  const int latest = audible - options.context_samples - contract_.hop_samples;
  const double fate = static_cast<double>(uniform_open(dice[1]));
  if (fate < options.onset_share || latest <= 0) {
    place.first = 0;
  } else if (fate < options.onset_share + options.release_share) {
    const int inside = options.segment_samples - options.context_samples;
    place.first = std::max(0, note.release_sample - options.context_samples -
                                  static_cast<int>(pick(dice[2], inside / 2 + 1)));
  } else {
    place.first = static_cast<int>(pick(dice[2], latest + 1));
  }
  return place;
}

void NoteBatches::write_note_row(const CorpusNote& note, int at, std::span<float> row) const {
  std::vector<float> weights(contract_.instruments.size(), 0.0F);
  weights[static_cast<std::size_t>(note.instrument)] = 1.0F;
  NoteInstant instant;
  instant.pitch_semitones = note.pitch_semitones;
  instant.velocity = static_cast<float>(note.velocity) / 127.0F;
  instant.held = at < note.release_sample;
  instant.age_s = static_cast<double>(at) / contract_.sample_rate_hz;
  instant.release_age_s =
      instant.held ? 0.0 : static_cast<double>(at - note.release_sample) / contract_.sample_rate_hz;
  instant.instrument_weights = weights;
  write_row(contract_, instant, row);
}

void NoteBatches::fill(const Place& place,
                       const NoteBatchOptions& options,
                       int b,
                       WavenetBatch* batch) const {
  const CorpusNote& note = corpus_.notes[static_cast<std::size_t>(place.note)];
  const NoteAnalysis& analysis = analyses_[static_cast<std::size_t>(place.note)];
  const std::span<const float> audio = corpus_.audio(note);
  const int samples = static_cast<int>(batch->target.size(1));
  float* previous = batch->previous[b].data_ptr<float>();
  float* target = batch->target[b].data_ptr<float>();
  float* mask = batch->mask[b].data_ptr<float>();
  float* features = batch->sample_features[b].data_ptr<float>();
  int* index = batch->row_index[b].data_ptr<int>();
  const auto p = static_cast<std::size_t>(contract_.sample_features());
  const double f0_hz = static_cast<double>(semitones_to_hz(note.pitch_semitones));

  // Level-normalised samples [first - 1, first + samples): the one before seeds `previous`.
  std::vector<float> ramp(static_cast<std::size_t>(samples + 1));
  const int before = place.first > 0 ? 1 : 0;
  write_ramp(analysis, contract_.hop_samples, place.first - before, ramp);
  const auto normalised = [&](int at) {
    if (at < 0 || at >= note.samples) {
      return 0.0F;
    }
    const float level = ramp[static_cast<std::size_t>(at - place.first + before)];
    const float x = audio[static_cast<std::size_t>(at)];
    return level > 0.0F ? std::clamp(x / level, -1.0F, 1.0F) : 0.0F;
  };
  float last = normalised(place.first - 1);
  const auto& starts = analysis.row_starts;
  auto row = std::upper_bound(starts.begin(), starts.end(), place.first) - starts.begin() - 1;
  const auto first_row = row;
  for (int t = 0; t < samples; ++t) {
    const int at = place.first + t;
    while (row + 1 < static_cast<std::ptrdiff_t>(starts.size()) &&
           starts[static_cast<std::size_t>(row + 1)] <= at) {
      ++row;
    }
    index[t] = static_cast<int>(row - first_row);
    previous[t] = last;
    last = target[t] = normalised(at);
    const bool loud =
        ramp[static_cast<std::size_t>(t + before)] * kNetworkRms > options.quietest_rms;
    const bool counts =
        loud && at < analysis.audible_samples && (place.first == 0 || t >= options.context_samples);
    mask[t] = counts ? 1.0F : 0.0F;
    write_harmonics(
        contract_,
        phase_at(analysis, f0_hz, contract_.sample_rate_hz, std::min(at, note.samples - 1)),
        static_cast<float>(f0_hz), {features + static_cast<std::size_t>(t) * p, p});
  }
  const auto f = static_cast<std::size_t>(contract_.row_features());
  float* rows = batch->rows[b].data_ptr<float>();
  const auto row_count = std::min<std::ptrdiff_t>(batch->rows.size(1), row - first_row + 1);
  for (std::ptrdiff_t r = 0; r < row_count; ++r) {
    write_note_row(note, starts[static_cast<std::size_t>(first_row + r)],
                   {rows + static_cast<std::size_t>(r) * f, f});
  }
}

WavenetBatch NoteBatches::draw(const NoteBatchOptions& options,
                               Split split,
                               std::int64_t step) const {
  const std::int64_t b = options.segments;
  const std::int64_t t = options.segment_samples;
  WavenetBatch batch = {torch::zeros({b, t}),
                        torch::zeros({b, t}),
                        torch::zeros({b, t, contract_.sample_features()}),
                        torch::zeros({b, t / contract_.hop_samples + 3, contract_.row_features()}),
                        torch::zeros({b, t}, torch::kInt),
                        torch::zeros({b, t})};
  at::parallel_for(0, b, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      const int segment = static_cast<int>(i);
      const Place place = draw_place(options, split, step, segment);
      fill(place, options, segment, &batch);
      if (split != Split::train) {
        continue;
      }
      float* previous = batch.previous[i].data_ptr<float>();
      const std::uint64_t identity = (kNoiseDraw << 32U) | static_cast<std::uint64_t>(i);
      const auto stream = static_cast<std::uint64_t>(step) << 32U;
      const PhiloxBlock head = philox_draw(options.seed, identity, stream);
      const double deviation = options.input_noise * static_cast<double>(uniform_open(head[0]));
      const double gain = 1.0 + options.input_gain_deviation * normal(head[1], head[2]);
      for (std::int64_t s = 0; s < t; s += 2) {
        const PhiloxBlock dice =
            philox_draw(options.seed, identity, stream + 1 + static_cast<std::uint64_t>(s));
        for (std::int64_t k = 0; k < std::min<std::int64_t>(2, t - s); ++k) {
          const auto pair = static_cast<std::size_t>(2 * k);
          previous[s + k] = static_cast<float>(gain * static_cast<double>(previous[s + k]) +
                                               deviation * normal(dice[pair], dice[pair + 1]));
        }
      }
      if (place.first == 0) {
        previous[0] = 0.0F;  // a note's past is exact silence when it starts
      }
    }
  });
  return batch;
}

std::vector<int> NoteBatches::notes(const NoteBatchOptions& options,
                                    Split split,
                                    std::int64_t step) const {
  std::vector<int> result;
  for (int b = 0; b < options.segments; ++b) {
    result.push_back(draw_place(options, split, step, b).note);
  }
  return result;
}

WavenetBatch NoteBatches::segment(int note, int first, int samples, int context_samples) const {
  const std::int64_t t = samples;
  NoteBatchOptions options;
  options.context_samples = context_samples;
  WavenetBatch batch = {torch::zeros({1, t}),
                        torch::zeros({1, t}),
                        torch::zeros({1, t, contract_.sample_features()}),
                        torch::zeros({1, t / contract_.hop_samples + 3, contract_.row_features()}),
                        torch::zeros({1, t}, torch::kInt),
                        torch::zeros({1, t})};
  fill({note, first}, options, 0, &batch);
  return batch;
}

void NoteBatches::level_examples(Split split,
                                 std::vector<float>* rows,
                                 std::vector<float>* targets) const {
  const auto f = static_cast<std::size_t>(contract_.row_features());
  const int guard = contract_.sample_rate_hz / 50;  // the level's window reaches this far at most
  for (const auto& notes : by_split_[static_cast<std::size_t>(split)]) {
    for (const int i : notes) {
      const CorpusNote& note = corpus_.notes[static_cast<std::size_t>(i)];
      const NoteAnalysis& analysis = analyses_[static_cast<std::size_t>(i)];
      for (std::size_t r = 0; r < analysis.row_starts.size(); ++r) {
        const int at = analysis.row_starts[r];
        // Just before the release the window already sees it, which no row can know.
        const bool foresees = at < note.release_sample && at + guard > note.release_sample;
        if (foresees) {
          continue;
        }
        const std::size_t base = rows->size();
        rows->resize(base + f);
        write_note_row(note, at, {rows->data() + base, f});
        targets->push_back(std::log(analysis.row_amplitude[r]));
      }
    }
  }
}

}  // namespace ondes
