#include "dsp/metrics/note_metrics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include "engine/error.h"

namespace ondes {

namespace {

constexpr std::int32_t kNone = -1;

// Estimates and the references that each may be paired with, ascending.
using Graph = std::vector<std::vector<std::int32_t>>;

// A largest set of pairs (J. Hopcroft, R. Karp 1973), in rounds: layers of references and their
// estimates outwards from the estimates without a pair, up to the first layer that holds references
// without one; then from each of these a way back that crosses no other way, along which the pairs
// are exchanged.
//
// Largest sets are many. Everything is visited in mir_eval's order, so that its choice is made and
// measures of the pairs themselves (overlap) agree too.
class Matching {
 public:
  Matching(const Graph& graph, std::size_t references)
      : graph_(graph), of_estimate_(graph.size(), kNone), of_reference_(references, kNone) {
    for (std::size_t e = 0; e < graph.size(); ++e) {
      if (!graph[e].empty()) {
        order_.push_back(static_cast<std::int32_t>(e));
      }
    }
    std::stable_sort(order_.begin(), order_.end(), [&](std::int32_t a, std::int32_t b) {
      return graph[index(a)].front() < graph[index(b)].front();
    });
    for (const std::int32_t e : order_) {  // a greedy start leaves little to do
      for (const std::int32_t r : graph[index(e)]) {
        if (of_reference_[index(r)] == kNone) {
          pair(e, r);
          break;
        }
      }
    }
    while (make_layers()) {
      for (const std::int32_t r : ends_) {
        exchange_from(r);
      }
    }
  }

  const std::vector<std::int32_t>& of_reference() const { return of_reference_; }

 private:
  static std::size_t index(std::int32_t i) { return static_cast<std::size_t>(i); }
  void pair(std::int32_t e, std::int32_t r) {
    of_estimate_[index(e)] = r;
    of_reference_[index(r)] = e;
  }

  // False if no way leads to a reference without a pair.
  bool make_layers() {
    before_.assign(of_reference_.size(), {});
    crossed_.assign(graph_.size(), false);
    ends_.clear();
    std::vector<bool> layered(of_reference_.size(), false);
    std::vector<std::int32_t> layer;
    for (const std::int32_t e : order_) {
      if (of_estimate_[index(e)] == kNone) {
        layer.push_back(e);
      }
    }
    while (!layer.empty() && ends_.empty()) {
      std::vector<std::int32_t> found;
      for (const std::int32_t e : layer) {
        for (const std::int32_t r : graph_[index(e)]) {
          if (layered[index(r)]) {
            continue;
          }
          if (before_[index(r)].empty()) {
            found.push_back(r);
          }
          before_[index(r)].push_back(e);
        }
      }
      layer.clear();
      for (const std::int32_t r : found) {
        layered[index(r)] = true;
        if (of_reference_[index(r)] == kNone) {
          ends_.push_back(r);
        } else {
          layer.push_back(of_reference_[index(r)]);
        }
      }
    }
    came_by_ = of_estimate_;  // exchanges below change the pairs, not the layers
    return !ends_.empty();
  }

  // With a stack of its own: a way can be as long as the list of notes.
  void exchange_from(std::int32_t end) {
    struct Step {
      std::int32_t reference;
      std::vector<std::int32_t> before;
      std::size_t next = 0;
    };
    std::vector<Step> way;
    const auto enter = [&](std::int32_t r) {
      way.push_back({r, std::exchange(before_[index(r)], {})});
    };
    enter(end);
    while (!way.empty()) {
      Step& step = way.back();
      if (step.next == step.before.size()) {
        way.pop_back();
        if (!way.empty()) {
          ++way.back().next;
        }
        continue;
      }
      const std::int32_t e = step.before[step.next];
      if (crossed_[index(e)]) {
        ++step.next;
        continue;
      }
      crossed_[index(e)] = true;
      const std::int32_t r = came_by_[index(e)];
      if (r == kNone) {
        for (const Step& each : way) {
          pair(each.before[each.next], each.reference);
        }
        return;
      }
      enter(r);
    }
  }

  const Graph& graph_;
  std::vector<std::int32_t> order_;  // as the references meet the estimates
  std::vector<std::int32_t> of_estimate_;
  std::vector<std::int32_t> of_reference_;
  std::vector<std::vector<std::int32_t>> before_;  // of a reference: estimates of the layer before
  std::vector<bool> crossed_;                      // estimates that are on a way
  std::vector<std::int32_t> came_by_;              // of an estimate: the reference that led to it
  std::vector<std::int32_t> ends_;
};

void check(std::span<const NoteEvent> notes, const char* name) {
  for (std::size_t i = 0; i < notes.size(); ++i) {
    const NoteEvent& note = notes[i];
    if (!std::isfinite(note.onset_s) || !std::isfinite(note.offset_s) || !std::isfinite(note.hz) ||
        !(note.offset_s > note.onset_s) || !(note.hz > 0.0)) {
      throw Error(ErrorCode::bad_input,
                  std::string("note metrics: ") + name + " note " + std::to_string(i) +
                      ": expected an offset after the onset and a positive frequency, found " +
                      std::to_string(note.onset_s) + ".." + std::to_string(note.offset_s) +
                      " s at " + std::to_string(note.hz) + " Hz");
    }
  }
}

// To 0.1 ms: a distance of exactly 50 ms is within 50 ms however it was computed.
bool within(double distance_s, double tolerance_s) {
  return std::nearbyint(std::abs(distance_s) * 1e4) / 1e4 <= tolerance_s;
}

using CanPair = std::function<bool(const NoteEvent& reference, const NoteEvent& estimate)>;

NoteScore score(std::span<const NoteEvent> reference,
                std::span<const NoteEvent> estimate,
                const CanPair& can_pair) {
  NoteScore result;
  constexpr const char* kNoReference = "the reference has no notes";
  constexpr const char* kNoEstimate = "there are no estimated notes";
  const auto nothing = [&](const char* reason) {
    result.precision = estimate.empty() ? Measured::none(kNoEstimate) : Measured(0.0);
    result.recall = reference.empty() ? Measured::none(kNoReference) : Measured(0.0);
    result.f_measure = reference.empty() && estimate.empty()
                           ? Measured::none("there are no notes on either side")
                           : Measured(0.0);
    result.average_overlap_ratio = Measured::none(reason);
    return result;
  };
  if (reference.empty() || estimate.empty()) {
    return nothing(reference.empty() ? kNoReference : kNoEstimate);
  }
  Graph graph(estimate.size());
  for (std::size_t r = 0; r < reference.size(); ++r) {
    for (std::size_t e = 0; e < estimate.size(); ++e) {
      if (can_pair(reference[r], estimate[e])) {
        graph[e].push_back(static_cast<std::int32_t>(r));
      }
    }
  }
  const Matching matching(graph, reference.size());
  double overlaps = 0.0;
  for (std::size_t r = 0; r < reference.size(); ++r) {
    const std::int32_t e = matching.of_reference()[r];
    if (e == kNone) {
      continue;
    }
    result.pairs.push_back({static_cast<std::int32_t>(r), e});
    const NoteEvent& a = reference[r];
    const NoteEvent& b = estimate[static_cast<std::size_t>(e)];
    overlaps += (std::min(a.offset_s, b.offset_s) - std::max(a.onset_s, b.onset_s)) /
                (std::max(a.offset_s, b.offset_s) - std::min(a.onset_s, b.onset_s));
  }
  if (result.pairs.empty()) {
    return nothing("no notes are paired");
  }
  const auto pairs = static_cast<double>(result.pairs.size());
  const double precision = pairs / static_cast<double>(estimate.size());
  const double recall = pairs / static_cast<double>(reference.size());
  result.precision = precision;
  result.recall = recall;
  result.f_measure = 2.0 * precision * recall / (precision + recall);
  result.average_overlap_ratio = overlaps / pairs;
  return result;
}

}  // namespace

NoteMetrics note_metrics(std::span<const NoteEvent> reference,
                         std::span<const NoteEvent> estimate,
                         const NoteMatchOptions& options) {
  check(reference, "reference");
  check(estimate, "estimated");
  if (!(options.onset_tolerance_s >= 0.0) || !(options.pitch_tolerance_cents >= 0.0) ||
      !(options.offset_min_tolerance_s >= 0.0) || !(options.offset_ratio >= 0.0)) {
    throw Error(ErrorCode::usage, "note metrics: expected tolerances of 0 or more");
  }
  const CanPair onset = [&](const NoteEvent& r, const NoteEvent& e) {
    return within(r.onset_s - e.onset_s, options.onset_tolerance_s);
  };
  const CanPair offset = [&](const NoteEvent& r, const NoteEvent& e) {
    return within(r.offset_s - e.offset_s, std::max(options.offset_ratio * (r.offset_s - r.onset_s),
                                                    options.offset_min_tolerance_s));
  };
  const CanPair onset_pitch = [&](const NoteEvent& r, const NoteEvent& e) {
    return onset(r, e) &&
           std::abs(1200.0 * (std::log2(r.hz) - std::log2(e.hz))) <= options.pitch_tolerance_cents;
  };
  const CanPair note = [&](const NoteEvent& r, const NoteEvent& e) {
    return onset_pitch(r, e) && offset(r, e);
  };
  return {score(reference, estimate, onset), score(reference, estimate, onset_pitch),
          score(reference, estimate, note), score(reference, estimate, offset)};
}

}  // namespace ondes
