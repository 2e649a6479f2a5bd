#include "models/training/mel_batches.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/random/philox.h"
#include "models/mel_analysis.h"

namespace ondes {

MelBatches::MelBatches(const ClipCorpus& corpus,
                       const MelContract& contract,
                       const MelBatchOptions& options)
    : corpus_(corpus),
      contract_(contract),
      options_(options),
      frames_(options.segment_samples / contract.hop_samples),
      analysis_(std::make_unique<LogMel>(mel_config_of(contract))) {
  if (frames_ < 1 || frames_ * contract.hop_samples != options.segment_samples) {
    throw Error(ErrorCode::usage, "segment_samples: expected a multiple of the hop of " +
                                      std::to_string(contract.hop_samples) + ", found " +
                                      std::to_string(options.segment_samples));
  }
  if (contract.top_db > 0.0) {
    throw Error(ErrorCode::usage,
                "features: top_db: expected 0 (it depends on the whole recording), found " +
                    std::to_string(contract.top_db));
  }
  for (std::size_t i = 0; i < corpus.clips.size(); ++i) {
    const Clip& clip = corpus.clips[i];
    const std::int64_t frames =
        std::min(analysis_->frames(clip.samples), clip.samples / contract.hop_samples);
    if (frames >= frames_) {
      Side& side = clip.split == Split::train ? train_ : validation_;
      const std::int64_t before = side.places_up_to.empty() ? 0 : side.places_up_to.back();
      side.clips.push_back(i);
      side.places_up_to.push_back(before + frames - frames_ + 1);
    }
  }
  for (const Split split : {Split::train, Split::validation}) {
    if (side(split).clips.empty()) {
      throw Error(ErrorCode::bad_input,
                  std::string("corpus: expected a recording of at least ") +
                      std::to_string(options.segment_samples) + " samples to " +
                      (split == Split::train ? "train on" : "validate with") + ", found none");
    }
  }
}

int MelBatches::clips(Split split) const {
  return static_cast<int>(side(split).clips.size());
}

// Every place for a segment is as likely as any other, whatever its recording's length.
MelBatches::Place MelBatches::draw_place(Split split, std::int64_t step, int segment) const {
  const Side& from = side(split);
  const auto stream = static_cast<std::uint64_t>(segment) * 2U + (split == Split::train ? 0U : 1U);
  const PhiloxBlock dice = philox_draw(options_.seed, stream, static_cast<std::uint64_t>(step));
  const std::uint64_t bits = (std::uint64_t{dice[0]} << 32U) | dice[1];
  // The bias of a remainder is below 2^-30 for corpora of up to 2^34 places.
  const auto place =
      static_cast<std::int64_t>(bits % static_cast<std::uint64_t>(from.places_up_to.back()));
  const auto found = std::upper_bound(from.places_up_to.begin(), from.places_up_to.end(), place);
  const auto at = static_cast<std::size_t>(found - from.places_up_to.begin());
  return {from.clips[at], place - (at == 0 ? 0 : from.places_up_to[at - 1])};
}

// Analyses as much around the segment as its frames reach, and drops what an edge that is not the
// recording's would have mirrored into.
void MelBatches::fill(const Place& place, torch::Tensor mel, torch::Tensor audio) const {
  const std::span<const float> clip = corpus_.audio(corpus_.clips[place.clip]);
  const std::int64_t hop = contract_.hop_samples;
  const auto size = static_cast<std::int64_t>(clip.size());
  const std::int64_t reach = contract_.fft_size / hop + 2;  // frames
  const std::int64_t first = std::max<std::int64_t>(0, place.first_frame - reach);
  const std::int64_t end = std::min(size, (place.first_frame + frames_ + reach) * hop);
  const std::vector<float> frames = analysis_->analyze(clip.subspan(
      static_cast<std::size_t>(first * hop), static_cast<std::size_t>(end - first * hop)));
  const torch::Tensor all =
      torch::from_blob(const_cast<float*>(frames.data()),
                       {static_cast<std::int64_t>(frames.size()) / contract_.mels, contract_.mels});
  const std::int64_t from = place.first_frame - first;
  mel.copy_(all.slice(0, from, from + frames_).t());
  audio.copy_(torch::from_blob(const_cast<float*>(clip.data()) + place.first_frame * hop,
                               {options_.segment_samples}));
}

MelBatch MelBatches::draw(Split split, std::int64_t step) const {
  MelBatch batch{torch::empty({options_.segments, contract_.mels, frames_}),
                 torch::empty({options_.segments, options_.segment_samples})};
  for (int b = 0; b < options_.segments; ++b) {
    fill(draw_place(split, step, b), batch.mel[b], batch.audio[b]);
  }
  return batch;
}

std::string MelBatches::names(Split split, std::int64_t step) const {
  std::string names;
  for (int b = 0; b < options_.segments; ++b) {
    const Place place = draw_place(split, step, b);
    names += (names.empty() ? "" : ", ") + corpus_.clips[place.clip].name + " at " +
             std::to_string(place.first_frame * contract_.hop_samples);
  }
  return names;
}

}  // namespace ondes
