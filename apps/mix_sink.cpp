#include "apps/mix_sink.h"

#include <algorithm>
#include <cmath>

#include "apps/interrupt.h"

namespace ondes {
namespace {

constexpr std::size_t kPassFrames = 4096;
// Just below full scale, so that rounding the gain to float cannot lift a peak over it.
constexpr double kCeiling = 1.0 - 1.0 / 32768.0;

}  // namespace

MixSink::MixSink(const std::string& output,
                 const std::filesystem::path& scratch_folder,
                 const MixSinkOptions& options)
    : output_(output), options_(options) {
  if (options.file_rate_hz != options.mix_rate_hz) {
    resampler_.emplace(options.mix_rate_hz, options.file_rate_hz, options.channels);
  }
  if (options.lufs) {
    meter_.emplace(options.file_rate_hz, options.channels);
  }
  // Float files hold any peak: nothing to rescale.
  const bool rescales = options.rescale && options.format != SampleFormat::float32;
  open_writer();
  if (options.lufs || rescales) {
    scratch_ =
        std::make_unique<ScratchFile>(scratch_folder, output == "-" ? "standard output" : output);
  }
}

void MixSink::open_writer() {
  AudioWriteOptions write;
  write.sample_rate_hz = options_.file_rate_hz;
  write.channels = options_.channels;
  write.format = options_.format;
  write.container = options_.container;
  write.dither = options_.dither;
  write.dither_seed = options_.dither_seed;
  write.clip = options_.clip;
  write.text = options_.text;
  writer_.emplace(output_, write);
}

void MixSink::add(ConstFrames mix) {
  if (!resampler_) {
    take(mix);
    return;
  }
  resampled_.clear();
  resampler_->process(mix, resampled_);
  take({resampled_.data(), static_cast<int>(resampled_.size()) / options_.channels,
        options_.channels});
}

void MixSink::take(ConstFrames block) {
  if (block.empty()) {
    return;
  }
  if (meter_) {
    meter_->add(block);
  }
  if (!scratch_) {
    writer_->write(block);
    return;
  }
  const std::span<const float> values(
      block.data(),
      static_cast<std::size_t>(block.frames()) * static_cast<std::size_t>(options_.channels));
  for (const float x : values) {
    peak_ = std::max(peak_, static_cast<double>(std::abs(x)));
  }
  scratch_->append(values);
}

MixSinkReport MixSink::finish() {
  MixSinkReport report;
  if (resampler_) {
    resampled_.clear();
    resampler_->finish(resampled_);
    take({resampled_.data(), static_cast<int>(resampled_.size()) / options_.channels,
          options_.channels});
  }
  if (scratch_) {
    const double gain = choose_gain(&report);
    report.gain_db = 20.0 * std::log10(gain);
    second_pass(static_cast<float>(gain));
  }
  report.file = writer_->finish();
  return report;
}

double MixSink::choose_gain(MixSinkReport* report) const {
  double gain = 1.0;
  if (meter_) {
    const double measured = meter_->integrated_lufs();
    report->unmeasured = !std::isfinite(measured);
    if (!report->unmeasured) {
      report->lufs = measured;
      gain = std::pow(10.0, (*options_.lufs - measured) / 20.0);
    }
  }
  const bool rescales = options_.rescale && options_.format != SampleFormat::float32;
  if (rescales && peak_ * gain > 1.0) {
    report->limited = options_.lufs.has_value();
    gain = kCeiling / peak_;
  }
  return gain;
}

void MixSink::second_pass(float gain) {
  const auto channels = static_cast<std::size_t>(options_.channels);
  std::vector<float> block(kPassFrames * channels);
  scratch_->rewind();
  while (true) {
    check_interrupted();
    const std::size_t count = scratch_->read(block);
    if (count == 0) {
      break;
    }
    for (std::size_t i = 0; i < count; ++i) {
      block[i] *= gain;
    }
    writer_->write({block.data(), static_cast<int>(count / channels), options_.channels});
  }
}

}  // namespace ondes
