// What `ondes info` says of files that carry numbers without saying what for: NumPy arrays and other
// projects' checkpoints. Nothing in a checkpoint is run.
//
// Set-up thread. Everything throws Error{io} or Error{bad_input}, as the files' readers do.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace ondes {

// Shape, element type, which way round a mel would lie (a guess: the file does not say), least and
// greatest finite value, how many are not finite.
nlohmann::json array_info(const std::string& path);

// What `ondes import` would take it for, parameters, and its tensors: in `tensors` by element type,
// and `tensor_list` with name, type and shape of each.
nlohmann::json checkpoint_info(const std::string& path);

}  // namespace ondes
