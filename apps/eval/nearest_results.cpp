#include "apps/eval/nearest_results.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/eval/csv_cell_internal.h"

namespace ondes {
namespace {

const char* name_of(Likeness likeness) {
  return likeness == Likeness::copy ? "copy" : likeness == Likeness::alike ? "alike" : "none";
}

std::string parameters() {
  return fmt::format(
      "at {} Hz; MFCC 1-{} in standard deviations of the corpus and chroma every {} samples, "
      "subsequence DTW; landmarks of 1024-point spectra every {} samples; copy: flattened "
      "waveforms "
      "correlate at {} or more, p < {}, at least {} landmarks agree; alike: p < {}, at least {} "
      "landmarks "
      "and {:.0f} % agree",
      kFingerprintRateHz, kSearchCepstra, kSearchHopSamples, kFingerprintHopSamples,
      kCopyCorrelation, kCopyP, kCopyLandmarks, kAlikeP, kAlikeLandmarks, 100.0 * kAlikeShare);
}

std::string row_text(std::size_t rank, const Neighbour& n) {
  return fmt::format(
      "  {}. {}\n     distance {:.3f} (MFCC {:.2f} sd, chroma {:.3f}), {:.2f}-{:.2f} s at "
      "{:.2f}-{:.2f}"
      " s of it; {} landmarks agree (chance {:.2g}, p {:.2g}); waveforms {:.2f}\n",
      rank, n.clip, n.place.distance, n.distances.mfcc_sd, n.distances.chroma, n.place.from_s,
      n.place.to_s, n.place.clip_from_s, n.place.clip_to_s, n.landmarks_agreeing,
      n.expected_by_chance, n.p, n.waveform_correlation);
}

nlohmann::json json_of(const Neighbour& n) {
  return {{"clip", n.clip},
          {"likeness", name_of(n.likeness)},
          {"distance", n.place.distance},
          {"mfcc_sd", n.distances.mfcc_sd},
          {"chroma", n.distances.chroma},
          {"from_s", n.place.from_s},
          {"to_s", n.place.to_s},
          {"clip_from_s", n.place.clip_from_s},
          {"clip_to_s", n.place.clip_to_s},
          {"landmarks_agreeing", n.landmarks_agreeing},
          {"landmarks_expected_by_chance", n.expected_by_chance},
          {"p", n.p},
          {"fingerprint_offset_s", n.fingerprint_offset_s},
          {"waveform_correlation", n.waveform_correlation},
          {"waveform_at_s", n.copied_at_s},
          {"waveform_clip_from_s", n.copied_from_s},
          {"waveform_length_s", n.copied_s}};
}

std::string csv_row(const NearestResult& result, std::size_t rank, const Neighbour& n) {
  return fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},\n",
                     csv_cell(result.path), rank, csv_cell(n.clip), name_of(n.likeness),
                     n.place.distance, n.distances.mfcc_sd, n.distances.chroma, n.place.from_s,
                     n.place.to_s, n.place.clip_from_s, n.place.clip_to_s, n.landmarks_agreeing,
                     result.landmarks, n.expected_by_chance, n.p, n.fingerprint_offset_s,
                     n.waveform_correlation, csv_cell(verdict(result)));
}

}  // namespace

std::string verdict(const NearestResult& result) {
  if (!result.failure.empty()) {
    return "not searched for: " + result.failure;
  }
  const Neighbour& n = result.neighbours.front();
  const std::string waveforms =
      fmt::format("waveforms correlate at {:.2f}", n.waveform_correlation);
  switch (result.likeness()) {
    case Likeness::copy:
      return fmt::format(
          "a copy of {} from {:.2f} s on: {:.2f} s of it, at {:.2f} s ({}, {} of {} "
          "landmarks agree, chance {:.2g})",
          n.clip, n.copied_from_s, n.copied_s, n.copied_at_s, waveforms, n.landmarks_agreeing,
          result.landmarks, n.expected_by_chance);
    case Likeness::alike:
      return fmt::format(
          "no copy, but alike: {} of {} landmarks agree with {} at an offset of "
          "{:+.2f} s (chance {:.2g}); {}: the same pitches at the same times, played "
          "anew",
          n.landmarks_agreeing, result.landmarks, n.clip, n.fingerprint_offset_s,
          n.expected_by_chance, waveforms);
    case Likeness::none:
      break;
  }
  return fmt::format(
      "nothing aligned beyond chance; nearest is {} (distance {:.3f}, {} of {} "
      "landmarks, chance {:.2g}; {})",
      n.clip, n.place.distance, n.landmarks_agreeing, result.landmarks, n.expected_by_chance,
      waveforms);
}

std::string nearest_text(const NearestSearch& search) {
  std::string text = fmt::format("{}: {} {}, {:.1f} minutes; {}\n", search.corpus, search.clips,
                                 search.kind, search.corpus_s / 60.0, parameters());
  std::size_t counts[3] = {};
  for (const NearestResult& result : search.results) {
    text += fmt::format("\n{}: {}\n", result.path, verdict(result));
    if (result.failure.empty()) {
      ++counts[static_cast<std::size_t>(result.likeness())];
    }
    for (std::size_t i = 0; i < result.neighbours.size(); ++i) {
      text += row_text(i + 1, result.neighbours[i]);
    }
  }
  text += fmt::format("\n{} sound{}: {} cop{}, {} alike, {} neither; {:.1f} s\n",
                      search.results.size(), search.results.size() == 1 ? "" : "s", counts[2],
                      counts[2] == 1 ? "y" : "ies", counts[1], counts[0], search.elapsed_s);
  return text;
}

nlohmann::json nearest_json(const NearestSearch& search) {
  nlohmann::json json = {{"corpus", search.corpus},         {"kind", search.kind},
                         {"version", search.version},       {"clips", search.clips},
                         {"corpus_s", search.corpus_s},     {"too_short", search.too_short},
                         {"unreadable", search.unreadable}, {"parameters", parameters()},
                         {"elapsed_s", search.elapsed_s},   {"sounds", nlohmann::json::array()}};
  for (const NearestResult& result : search.results) {
    nlohmann::json sound = {{"path", result.path},
                            {"duration_s", result.duration_s},
                            {"landmarks", result.landmarks},
                            {"verdict", verdict(result)},
                            {"nearest", nlohmann::json::array()}};
    if (result.failure.empty()) {
      sound["likeness"] = name_of(result.likeness());
    } else {
      sound["likeness"] = nullptr;
      sound["failure"] = result.failure;
    }
    for (const Neighbour& neighbour : result.neighbours) {
      sound["nearest"].push_back(json_of(neighbour));
    }
    json["sounds"].push_back(std::move(sound));
  }
  return json;
}

std::string nearest_csv(const NearestSearch& search) {
  std::string text =
      "sound,rank,clip,likeness,distance,mfcc_sd,chroma,from_s,to_s,clip_from_s,clip_to_s,"
      "landmarks_agreeing,landmarks,landmarks_expected_by_chance,p,fingerprint_offset_s,"
      "waveform_correlation,verdict,failure\n";
  for (const NearestResult& result : search.results) {
    for (std::size_t i = 0; i < result.neighbours.size(); ++i) {
      text += csv_row(result, i + 1, result.neighbours[i]);
    }
    if (!result.failure.empty()) {
      text += csv_cell(result.path) + ",,,,,,,,,,,,,,,,,," + csv_cell(result.failure) + '\n';
    }
  }
  return text;
}

}  // namespace ondes
