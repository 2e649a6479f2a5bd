// What becomes of a sum, on every instruction set against the plain loops, to the last bit: every
// combination of a residual, an output and a mapped one, as numbers and as bytes, so that the loops
// without decisions and the general one are both met.
#include <catch2/catch.hpp>
#include <vector>

#include "engine/cpu/block_kernels_internal.h"
#include "tests/support/block_rig.h"

namespace ondes {
namespace {

constexpr int kFrames = 37;  // two pieces of 16 and a rest
constexpr int kChannels = 48;
constexpr int kWidth = 64;

// Halves that round to even either way, both ends of a byte, and what no 32-bit integer holds.
std::vector<float> awkward_values() {
  const std::vector<float> some{0.5F,   1.5F,    2.5F,  -0.5F,  -0.0F,    254.5F, 255.5F, 256.0F,
                                -1.0F,  -300.0F, 1e12F, -1e12F, 3.4e38F,  0.0F,   7.25F,  99.75F,
                                126.5F, 127.5F,  1e-3F, -1e-3F, -2.5e-7F, 200.0F, 13.37F};
  std::vector<float> values;
  for (int i = 0; i < kFrames * kWidth; ++i) {
    values.push_back(some[static_cast<std::size_t>(i) % some.size()]);
  }
  return values;
}

struct Results {
  std::vector<float> output = std::vector<float>(kFrames * kWidth, 77.0F);
  std::vector<float> mapped = output;
  std::vector<std::uint8_t> output_bytes = std::vector<std::uint8_t>(kFrames * kWidth, 77);
  std::vector<std::uint8_t> mapped_bytes = output_bytes;
  friend bool operator==(const Results&, const Results&) = default;
};

// Bits of `form`: residual, output, output bytes, mapped, mapped bytes.
Results finished(const BlockKernels& kernels, int form, MapKind kind) {
  const std::vector<float> x = awkward_values();
  const std::vector<float> inverse(kWidth, 1.0F);
  const std::vector<float> zero(kWidth, 3.0F);
  const float* const inputs[] = {x.data(), x.data() + 1};
  Results results;
  SumCall sum;
  sum.inputs = inputs;
  sum.count = (form & 1) != 0 ? 1 : 2;
  sum.frames = kFrames - 1;
  sum.width = kWidth;
  sum.channels = kChannels;
  FinishCall& finish = sum.finish;
  finish.scale = 0.5F;
  finish.map.kind = kind;
  finish.map.slope = 0.1F;
  if ((form & 1) != 0) {
    finish.residual = x.data() + 5;
    finish.residual_step = kWidth;
  }
  if ((form & 2) != 0) {
    finish.output = results.output.data();
    finish.output_step = kWidth;
  }
  if ((form & 4) != 0) {
    finish.output_bytes = {results.output_bytes.data(), kWidth, inverse.data(), zero.data()};
  }
  if ((form & 8) != 0) {
    finish.mapped = results.mapped.data();
    finish.mapped_step = kWidth;
  }
  if ((form & 16) != 0) {
    finish.mapped_bytes = {results.mapped_bytes.data(), kWidth, inverse.data(), zero.data()};
  }
  kernels.sum(sum);
  return results;
}

}  // namespace

TEST_CASE("every form of epilogue has the bits of the plain loops, and touches no other channel") {
  for (const Isa isa : supported_isas()) {
    for (const MapKind kind : {MapKind::none, MapKind::leaky_relu, MapKind::tanh}) {
      for (int form = 0; form < 32; ++form) {
        CAPTURE(isa_name(isa), static_cast<int>(kind), form);
        const Results expected = finished(*scalar_block_kernels(), form, kind);
        CHECK(finished(*block_kernels(isa), form, kind) == expected);
        // The control: something was written, and only what was asked for.
        CHECK((expected.output[0] != 77.0F) == ((form & 2) != 0));
        CHECK((expected.mapped_bytes[0] != 77) == ((form & 16) != 0));
        CHECK(expected.output[kChannels] == 77.0F);
        CHECK(expected.mapped_bytes[kChannels] == 77);
      }
    }
  }
}

}  // namespace ondes
