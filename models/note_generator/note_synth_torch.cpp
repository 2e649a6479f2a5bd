#include "models/note_generator/note_synth_torch.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace ondes {
namespace {

// What one row needs of a segment.
struct Stretch {
  int row = 0;
  int first = 0;  // sample of the segment
  int samples = 0;
};

std::vector<Stretch> stretches_of(const int* row_index, int samples) {
  std::vector<Stretch> result;
  for (int t = 0; t < samples; ++t) {
    if (result.empty() || result.back().row != row_index[t]) {
      result.push_back({row_index[t], t, 0});
    }
    ++result.back().samples;
  }
  return result;
}

// sin(2 pi x) of x in turns, any size; as exact::sin_turns, which the compiler cannot put into
// vectors across translation units.
inline float sine_turns(float x) {
  x -= std::nearbyint(x);
  const float folded = std::copysign(0.5F, x) - x;
  const float y = std::fabs(x) > 0.25F ? folded : x;
  const float y2 = y * y;
  float p = 39.536705F;
  p = p * y2 - 76.549782F;
  p = p * y2 + 81.601006F;
  p = p * y2 - 41.341656F;
  p = p * y2 + 6.2831850F;
  return p * y;
}

#define ONDES_CLONES __attribute__((target_clones("avx512f", "avx2,fma", "default")))

// out[j] += (from + slope u[j]) sin(2 pi (h phase[j] + psi + delta j))
ONDES_CLONES void add_partial(const float* phase,
                              const float* u,
                              int n,
                              float h,
                              float psi,
                              float delta,
                              float from,
                              float slope,
                              float* out) {
  for (int j = 0; j < n; ++j) {
    const float s = sine_turns(h * phase[j] + (psi + delta * static_cast<float>(j)));
    out[j] += (from + slope * u[j]) * s;
  }
}

// Sums over j of gradient[j] sin(..), and of gradient[j] u[j] sin(..).
ONDES_CLONES void partial_gradient(const float* phase,
                                   const float* u,
                                   const float* gradient,
                                   int n,
                                   float h,
                                   float psi,
                                   float delta,
                                   float* whole,
                                   float* ramped) {
  float a[16] = {};
  float b[16] = {};
  int j = 0;
  for (; j + 16 <= n; j += 16) {
    for (int i = 0; i < 16; ++i) {
      const float s = sine_turns(h * phase[j + i] + (psi + delta * static_cast<float>(j + i)));
      const float g = gradient[j + i] * s;
      a[i] += g;
      b[i] += g * u[j + i];
    }
  }
  float sum_a = 0.0F;
  float sum_b = 0.0F;
  for (int i = 0; i < 16; ++i) {
    sum_a += a[i];
    sum_b += b[i];
  }
  for (; j < n; ++j) {
    const float g = gradient[j] * sine_turns(h * phase[j] + (psi + delta * static_cast<float>(j)));
    sum_a += g;
    sum_b += g * u[j];
  }
  *whole = sum_a;
  *ramped = sum_b;
}

// out[j] += sum over i of (from[i] + (to[i] - from[i]) u) w[j + K - i]
ONDES_CLONES void add_noise(const float* w,
                            const float* from,
                            const float* to,
                            const float* u,
                            int n,
                            int taps,
                            float* out) {
  float start[512];
  float slope[512];
  for (int j = 0; j < n; ++j) {
    start[j] = slope[j] = 0.0F;
  }
  for (int i = 0; i < taps; ++i) {
    const float a = from[i];
    const float b = to[i] - from[i];
    const float* x = w + taps - i;
    for (int j = 0; j < n; ++j) {
      start[j] += a * x[j];
      slope[j] += b * x[j];
    }
  }
  for (int j = 0; j < n; ++j) {
    out[j] += start[j] + u[j] * slope[j];
  }
}

// d_from[i] += sum over j of gradient[j] (1 - u[j]) w[j + K - i], d_to likewise with u[j].
ONDES_CLONES void noise_gradient(const float* w,
                                 const float* gradient,
                                 const float* u,
                                 int n,
                                 int taps,
                                 float* d_from,
                                 float* d_to) {
  for (int j = 0; j < n; ++j) {
    const float to = gradient[j] * u[j];
    const float from = gradient[j] - to;
    const float* x = w + j;  // x[taps - i]
    for (int i = 0; i < taps; ++i) {
      d_from[i] += from * x[taps - i];
      d_to[i] += to * x[taps - i];
    }
  }
}

#undef ONDES_CLONES

constexpr float kInaudible = 1e-7F;

// One segment: the values that a row begins from, and psi, in step with the engine.
class Segment {
 public:
  Segment(const NoteSynthInput& in, std::int64_t b, const float* amplitudes, const float* taps)
      : in_(in),
        b_(b),
        amplitudes_(amplitudes),
        taps_(taps),
        partials_(static_cast<int>(in.turns.size(2))),
        tap_count_(static_cast<int>(in.noise.size(1) - in.phase.size(1))),
        samples_(static_cast<int>(in.phase.size(1))),
        rows_(in.turns.size(1)),
        phase_(in.phase.data_ptr<float>() + b * samples_),
        turns_(in.turns.data_ptr<float>() + b * rows_ * partials_),
        noise_(in.noise.data_ptr<float>() + b * in.noise.size(1)),
        stretches_(stretches_of(in.row_index.data_ptr<int>() + b * samples_, samples_)),
        fresh_(in.starts_fresh.data_ptr<int>()[b] != 0) {
    walk();
  }

  void forward(float* out) const {
    std::vector<float> u(static_cast<std::size_t>(samples_));
    for (std::size_t k = 0; k < stretches_.size(); ++k) {
      const Stretch& s = stretches_[k];
      ramp(s, u.data());
      for (int h = 0; h < partials_; ++h) {
        const float from = from_amplitude(k)[h];
        const float to = amplitude(s)[h];
        if (from > kInaudible || to > kInaudible) {
          add_partial(phase_ + s.first, u.data(), s.samples, static_cast<float>(h + 1), psi(k)[h],
                      turns(s)[h], from, to - from, out + s.first);
        }
      }
      for (int done = 0; done < s.samples; done += 512) {
        const int n = std::min(512, s.samples - done);
        add_noise(noise_ + s.first + done, from_taps(k), tap(s), u.data() + done, n, tap_count_,
                  out + s.first + done);
      }
    }
  }

  // Adds to d_amplitudes (W, H) and d_taps (W, K).
  void backward(const float* gradient, float* d_amplitudes, float* d_taps) const {
    const auto width = static_cast<std::size_t>(partials_ + tap_count_);
    std::vector<float> u(static_cast<std::size_t>(samples_));
    std::vector<float> later(width, 0.0F);  // of the value reached at the end of this stretch
    std::vector<float> from(width);
    for (std::size_t k = stretches_.size(); k-- > 0;) {
      const Stretch& s = stretches_[k];
      ramp(s, u.data());
      std::fill(from.begin(), from.end(), 0.0F);
      float* to_amplitude = d_amplitudes + static_cast<std::ptrdiff_t>(s.row) * partials_;
      float* to_taps = d_taps + static_cast<std::ptrdiff_t>(s.row) * tap_count_;
      for (int h = 0; h < partials_; ++h) {
        if (amplitude(s)[h] <= 0.0F && from_amplitude(k)[h] <= 0.0F) {
          continue;  // above the fade: no gradient either
        }
        float whole = 0.0F;
        float ramped = 0.0F;
        partial_gradient(phase_ + s.first, u.data(), gradient + s.first, s.samples,
                         static_cast<float>(h + 1), psi(k)[h], turns(s)[h], &whole, &ramped);
        from[static_cast<std::size_t>(h)] = whole - ramped;
        to_amplitude[h] += ramped;
      }
      noise_gradient(noise_ + s.first, gradient + s.first, u.data(), s.samples, tap_count_,
                     from.data() + partials_, to_taps);
      // The value reached at this stretch's end is where the next one begins.
      const float reached = reached_share(s);
      for (std::size_t i = 0; i < width; ++i) {
        float* to = i < static_cast<std::size_t>(partials_)
                        ? to_amplitude + i
                        : to_taps + (i - static_cast<std::size_t>(partials_));
        *to += reached * later[i];
        later[i] = from[i] + (1.0F - reached) * later[i];
      }
      if (k == 0 && !fresh_) {  // amid a note the first row stands at its target
        for (int h = 0; h < partials_; ++h) {
          to_amplitude[h] += later[static_cast<std::size_t>(h)];
        }
        for (int i = 0; i < tap_count_; ++i) {
          to_taps[i] += later[static_cast<std::size_t>(partials_ + i)];
        }
      }
    }
  }

 private:
  const float* amplitude(const Stretch& s) const {
    return amplitudes_ + static_cast<std::ptrdiff_t>(s.row) * partials_;
  }
  const float* tap(const Stretch& s) const {
    return taps_ + static_cast<std::ptrdiff_t>(s.row) * tap_count_;
  }
  const float* turns(const Stretch& s) const {
    return turns_ + static_cast<std::ptrdiff_t>(s.row) * partials_;
  }
  const float* from_amplitude(std::size_t k) const {
    return from_.data() + k * static_cast<std::size_t>(partials_ + tap_count_);
  }
  const float* from_taps(std::size_t k) const { return from_amplitude(k) + partials_; }
  const float* psi(std::size_t k) const {
    return psi_.data() + k * static_cast<std::size_t>(partials_);
  }
  float reached_share(const Stretch& s) const {
    return std::min(1.0F, static_cast<float>(s.samples) / static_cast<float>(in_.hop_samples));
  }
  void ramp(const Stretch& s, float* u) const {
    for (int j = 0; j < s.samples; ++j) {
      u[j] = std::min(1.0F, static_cast<float>(j) / static_cast<float>(in_.hop_samples));
    }
  }

  void walk() {
    const auto h_count = static_cast<std::size_t>(partials_);
    const auto width = h_count + static_cast<std::size_t>(tap_count_);
    from_.assign(stretches_.size() * width, 0.0F);
    psi_.assign(stretches_.size() * h_count, 0.0F);
    for (std::size_t k = 0; k < stretches_.size(); ++k) {
      float* from = from_.data() + k * width;
      if (k == 0) {
        if (!fresh_) {
          std::copy_n(amplitude(stretches_[0]), h_count, from);
          std::copy_n(tap(stretches_[0]), static_cast<std::size_t>(tap_count_), from + h_count);
        }
        continue;
      }
      const Stretch& before = stretches_[k - 1];
      const float reached = reached_share(before);
      const float* last = from - width;
      for (std::size_t h = 0; h < h_count; ++h) {
        from[h] = last[h] + (amplitude(before)[h] - last[h]) * reached;
        const float turned =
            psi_[(k - 1) * h_count + h] + turns(before)[h] * static_cast<float>(before.samples);
        psi_[k * h_count + h] = turned - std::nearbyint(turned);
      }
      for (std::size_t i = 0; i < static_cast<std::size_t>(tap_count_); ++i) {
        from[h_count + i] = last[h_count + i] + (tap(before)[i] - last[h_count + i]) * reached;
      }
    }
  }

  const NoteSynthInput& in_;
  std::int64_t b_;
  const float* amplitudes_;
  const float* taps_;
  int partials_;
  int tap_count_;
  int samples_;
  std::int64_t rows_;
  const float* phase_;
  const float* turns_;
  const float* noise_;
  std::vector<Stretch> stretches_;
  bool fresh_;
  std::vector<float> from_;  // (stretches, H + K)
  std::vector<float> psi_;   // (stretches, H)
};

struct NoteSynthFunction : torch::autograd::Function<NoteSynthFunction> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& amplitudes,
                               const torch::Tensor& taps,
                               const NoteSynthInput& in) {
    context->save_for_backward(
        {amplitudes, taps, in.phase, in.row_index, in.turns, in.noise, in.starts_fresh});
    context->saved_data["hop"] = in.hop_samples;
    torch::Tensor out = torch::zeros_like(in.phase);
    const std::int64_t b_count = in.phase.size(0);
    at::parallel_for(0, b_count, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t b = first; b < last; ++b) {
        Segment(in, b, amplitudes.data_ptr<float>() + b * amplitudes.stride(0),
                taps.data_ptr<float>() + b * taps.stride(0))
            .forward(out.data_ptr<float>() + b * out.stride(0));
      }
    });
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const NoteSynthInput in = {saved[2], saved[3],
                               saved[4], saved[5],
                               saved[6], static_cast<int>(context->saved_data["hop"].toInt())};
    const torch::Tensor gradient = gradients[0].contiguous();
    torch::Tensor d_amplitudes = torch::zeros_like(saved[0]);
    torch::Tensor d_taps = torch::zeros_like(saved[1]);
    at::parallel_for(0, in.phase.size(0), 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t b = first; b < last; ++b) {
        Segment(in, b, saved[0].data_ptr<float>() + b * saved[0].stride(0),
                saved[1].data_ptr<float>() + b * saved[1].stride(0))
            .backward(gradient.data_ptr<float>() + b * gradient.stride(0),
                      d_amplitudes.data_ptr<float>() + b * d_amplitudes.stride(0),
                      d_taps.data_ptr<float>() + b * d_taps.stride(0));
      }
    });
    return {d_amplitudes, d_taps, torch::Tensor()};
  }
};

}  // namespace

torch::Tensor synthesize_note(const torch::Tensor& amplitudes,
                              const torch::Tensor& taps,
                              const NoteSynthInput& input) {
  return NoteSynthFunction::apply(amplitudes.contiguous(), taps.contiguous(), input);
}

}  // namespace ondes
