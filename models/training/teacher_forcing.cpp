#include "models/training/teacher_forcing.h"

#include <algorithm>

namespace ondes {

ForcedNote run_forced(StepRunner* runner, const WavenetBatch& batch, StepProbe* probe) {
  const int samples = static_cast<int>(batch.target.size(1));
  const float* target = batch.target.data_ptr<float>();
  const float* mask = batch.mask.data_ptr<float>();
  const int* index = batch.row_index.data_ptr<int>();
  const int features = static_cast<int>(batch.rows.size(2));
  const int sample_features = static_cast<int>(batch.sample_features.size(2));
  std::vector<float> output(static_cast<std::size_t>(samples));
  std::vector<float> likelihood(static_cast<std::size_t>(samples));
  runner->start(0);
  runner->set_probe(probe);
  int row = -1;
  for (int at = 0; at < samples;) {
    const int count = std::min(runner->max_block_samples(), samples - at);
    const int first_row = row + 1;
    std::vector<int> starts;
    for (int t = 0; t < count; ++t) {
      if (index[at + t] != row) {
        row = index[at + t];
        starts.push_back(t);
      }
    }
    StepLane lane;
    lane.first_sample = at;
    lane.rows = ConstFrames(
        batch.rows.data_ptr<float>() + static_cast<std::ptrdiff_t>(first_row) * features,
        static_cast<int>(starts.size()), features);
    lane.row_starts = starts;
    lane.sample_features = ConstFrames(
        batch.sample_features.data_ptr<float>() + static_cast<std::ptrdiff_t>(at) * sample_features,
        count, sample_features);
    const auto begin = static_cast<std::size_t>(at);
    const auto length = static_cast<std::size_t>(count);
    lane.output = std::span(output).subspan(begin, length);
    lane.teacher = std::span<const float>(target + at, length);
    lane.log_likelihood = std::span(likelihood).subspan(begin, length);
    runner->process({&lane, 1}, count);
    at += count;
  }
  runner->set_probe(nullptr);
  ForcedNote result;
  for (int t = 0; t < samples; ++t) {
    if (mask[t] > 0.0F) {
      result.log_likelihood += static_cast<double>(likelihood[static_cast<std::size_t>(t)]);
      ++result.samples;
    }
  }
  result.log_likelihood /= static_cast<double>(std::max<long long>(1, result.samples));
  return result;
}

}  // namespace ondes
