// The header of a .npy file: a Python dictionary literal, of which exactly what NumPy writes is
// understood: the keys 'descr' (a string), 'fortran_order' (True or False) and 'shape' (a tuple of
// integers), each once, in any order.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/files/npy.h"

namespace ondes {

struct NpyHeader {
  NpyType type = NpyType::float32;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;  // non-negative
};

// Throws Error{bad_input} naming `name` and the field.
NpyHeader parse_npy_header(std::string_view text, const std::string& name);

}  // namespace ondes
