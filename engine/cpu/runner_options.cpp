#include "engine/cpu/runner_options.h"

#include <cstdlib>

#include "engine/cpu/step_kernels_internal.h"
#include "engine/error.h"

namespace ondes {
namespace {

void require_in(const std::string& option, int value, int low, int high) {
  if (value < low || value > high) {
    throw Error(ErrorCode::usage, "step runner: " + option + ": expected " + std::to_string(low) +
                                      ".." + std::to_string(high) + ", found " +
                                      std::to_string(value));
  }
}

}  // namespace

void validate_options(const StepRunnerOptions& options) {
  require_in("max_lanes", options.max_lanes, 1, 4096);
  require_in("max_block_samples", options.max_block_samples, 1, 1 << 20);
  require_in("threads", options.threads, 1, 256);
}

void refuse_on_cpu(Precision precision) {
  if (precision == Precision::f16) {
    throw Error(
        ErrorCode::usage,
        "precision: expected f32, i16 or i8 on a CPU, found f16, which runs on CUDA devices "
        "only; take --device cuda, or f32");
  }
}

std::string precision_name(Precision precision) {
  switch (precision) {
    case Precision::f32:
      return "f32";
    case Precision::f16:
      return "f16";
    case Precision::i16:
      return "i16";
    case Precision::i8:
      return "i8";
  }
  return "?";
}

std::string isa_name(Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return "scalar";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
  }
  return "?";
}

std::vector<Isa> supported_isas() {
  std::vector<Isa> isas{Isa::scalar};
  for (const Isa isa : {Isa::avx2, Isa::avx512}) {
    if (step_kernels(isa) != nullptr) {
      isas.push_back(isa);
    }
  }
  return isas;
}

Isa chosen_isa() {
  const std::vector<Isa> supported = supported_isas();
  const char* forced = std::getenv("ONDES_FORCE_ISA");
  if (forced == nullptr || *forced == '\0') {
    return supported.back();
  }
  for (const Isa isa : supported) {
    if (isa_name(isa) == forced) {
      return isa;
    }
  }
  std::string known;
  for (const Isa isa : supported) {
    known += (known.empty() ? "" : ", ") + isa_name(isa);
  }
  throw Error(ErrorCode::usage, "ONDES_FORCE_ISA: expected one of " + known + ", found " + forced);
}

}  // namespace ondes
