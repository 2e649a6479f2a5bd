#include "apps/eval/metric_group_internal.h"
#include "dsp/metrics/si_sdr.h"
#include "dsp/metrics/stoi.h"

namespace ondes {
namespace {

enum Row { kStoi, kEstoi, kSiSdr };

std::vector<MetricRow> rows(const MetricSetting&) {
  return {
      {{.name = "stoi",
        .label = "Short-time objective intelligibility",
        .unit = "",
        .better = Better::higher,
        .parameters = "STOI at 10 kHz, as pystoi; speech only; common length"},
       false},
      {{.name = "estoi",
        .label = "Extended STOI",
        .unit = "",
        .better = Better::higher,
        .parameters = "ESTOI at 10 kHz, as pystoi; speech only; common length"},
       false},
      {{.name = "si_sdr_db",
        .label = "Scale-invariant SDR (says nothing of vocoders)",
        .unit = "dB",
        .better = Better::higher,
        .parameters = "zero-mean, sample by sample; common length",
        .decimals = 2},
       false},
  };
}

void measure(const MetricInput& input, std::span<MetricValue> values) {
  const SoundPair& sounds = input.sounds;
  measure_rows(input, {kStoi, kEstoi}, values, [&] {
    const Intelligibility measured =
        intelligibility(sounds.common_reference(), sounds.common_generated(), sounds.rate_hz);
    values[kStoi] = measured.stoi;
    values[kEstoi] = measured.estoi;
  });
  measure_rows(input, {kSiSdr}, values, [&] {
    values[kSiSdr] = si_sdr_db(sounds.common_reference(), sounds.common_generated());
  });
}

}  // namespace

const MetricGroup kWaveMetrics{rows, measure};

}  // namespace ondes
