// The precisions by their names on every command line and in recipes.
#pragma once
#include <map>
#include <string>

#include "engine/plan/step_runner.h"

namespace ondes {

inline const std::map<std::string, Precision>& precision_names() {
  static const std::map<std::string, Precision> names{{"f32", Precision::f32},
                                                      {"f16", Precision::f16},  // on CUDA devices
                                                      {"i16", Precision::i16},
                                                      {"i8", Precision::i8}};
  return names;
}

// Samples of floats depend on the instruction set or the device; those of integers are the same
// bytes everywhere.
inline bool depends_on_machine(Precision precision) {
  return precision == Precision::f32 || precision == Precision::f16;
}

}  // namespace ondes
