#include <span>
#include <utility>

#include "dsp/fft.h"
#include "dsp/mel_cepstrum_tables_internal.h"
#include "dsp/spectral_kernels_internal.h"

namespace ondes {
namespace {

// As warp_cepstrum_step, for an autocorrelation (SPTK's frqtr).
void warp_autocorrelation_step(std::span<double> g, double input, double alpha) {
  double before = g[0];
  g[0] = input;
  for (std::size_t j = 1; j < g.size(); ++j) {
    const double old = g[j];
    g[j] = before + alpha * (old - g[j - 1]);
    before = old;
  }
}

using WarpStep = void (*)(std::span<double>, double, double);

// (to, from): column n is what a 1 at place n becomes, one step more than column n - 1.
std::vector<std::vector<double>> warp_matrix(WarpStep step, int from, int to, double alpha) {
  std::vector<std::vector<double>> rows(static_cast<std::size_t>(to),
                                        std::vector<double>(static_cast<std::size_t>(from)));
  std::vector<double> g(static_cast<std::size_t>(to), 0.0);
  for (std::size_t n = 0; n < static_cast<std::size_t>(from); ++n) {
    step(g, n == 0 ? 1.0 : 0.0, alpha);
    for (std::size_t i = 0; i < g.size(); ++i) {
      rows[i][n] = g[i];
    }
  }
  return rows;
}

// Of every row s (N/2 + 1): sum over n of s[n] cos(2 pi k n / N), for k = 0 .. N/2.
void transform_rows(std::vector<std::vector<double>>& rows, RealFftDouble& fft) {
  for (std::vector<double>& row : rows) {
    std::fill(fft.input().begin(), fft.input().end(), 0.0);
    std::copy(row.begin(), row.end(), fft.input().begin());
    fft.transform();
    for (std::size_t k = 0; k < row.size(); ++k) {
      row[k] = fft.output()[k].real();
    }
  }
}

// A bin's share in the inverse transform of a symmetric spectrum.
double share_of(std::size_t bin, std::size_t bins) {
  const double fft_size = 2.0 * static_cast<double>(bins - 1);
  return (bin == 0 || bin + 1 == bins ? 1.0 : 2.0) / fft_size;
}

// rows (I,K) -> (K, stride), each bin times its share.
std::vector<float> by_bins(const std::vector<std::vector<double>>& rows, int stride) {
  const std::size_t bins = rows[0].size();
  std::vector<float> table(bins * static_cast<std::size_t>(stride), 0.0F);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t k = 0; k < bins; ++k) {
      table[k * static_cast<std::size_t>(stride) + i] =
          static_cast<float>(rows[i][k] * share_of(k, bins));
    }
  }
  return table;
}

}  // namespace

MelCepstrumTables::MelCepstrumTables(int fft_size, int order, double alpha)
    : bins(fft_size / 2 + 1),
      coefficient_stride(spectral::padded_to_step(order + 1)),
      bin_stride(spectral::padded_to_step(bins)),
      moment_stride(spectral::padded_to_step(2 * order + 1)) {
  RealFftDouble fft(fft_size);
  auto rows = warp_matrix(warp_cepstrum_step, bins, order + 1, alpha);
  for (std::vector<double>& row : rows) {  // half a cepstrum: the other half are its mirror's
    row.front() *= 0.5;
    row.back() *= 0.5;
  }
  transform_rows(rows, fft);
  start = by_bins(rows, coefficient_stride);

  rows = warp_matrix(warp_autocorrelation_step, bins, 2 * order + 1, alpha);
  transform_rows(rows, fft);
  moments = by_bins(rows, moment_stride);

  // What a 1 at place m of c becomes, in (K, M+1): its columns are wanted as rows.
  const auto columns = warp_matrix(warp_cepstrum_step, order + 1, bins, -alpha);
  rows.assign(static_cast<std::size_t>(order + 1),
              std::vector<double>(static_cast<std::size_t>(bins)));
  for (std::size_t m = 0; m < rows.size(); ++m) {
    for (std::size_t k = 0; k < rows[m].size(); ++k) {
      rows[m][k] = columns[k][m];
    }
  }
  transform_rows(rows, fft);
  envelope.assign(rows.size() * static_cast<std::size_t>(bin_stride), 0.0F);
  for (std::size_t m = 0; m < rows.size(); ++m) {
    for (std::size_t k = 0; k < rows[m].size(); ++k) {
      envelope[m * static_cast<std::size_t>(bin_stride) + k] = static_cast<float>(rows[m][k]);
    }
  }
}

}  // namespace ondes
