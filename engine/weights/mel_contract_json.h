// The "features" object of a mel voice, both ways; a mel file's metadata carries the same object.
//
//   { "kind": "mel", "sample_rate": 22050, "fft": 1024, "hop": 256, "window": 1024,
//     "window_shape": "hann", "mels": 80, "fmin": 0, "fmax": 8000, "scale": "slaney",
//     "norm": "slaney", "magnitude": "amplitude", "magnitude_epsilon": 1e-9, "log": "ln",
//     "floor": 1e-5, "padding": "reflect_hop", "top_db": 0, "pre_emphasis": 0,
//     "removes_dc": false, "sample_scale": 1 }
//
// May be left out: window (as fft), window_shape (hann), magnitude_epsilon (0), and what comes
// after padding (as above). Names as in engine/conditioning/mel_contract.h.
// Set-up thread. Throws Error{bad_input} naming `name`, field, expected, found.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/conditioning/mel_contract.h"

namespace ondes {

MelContract mel_contract_from_json(const nlohmann::json& features, const std::string& name);
nlohmann::json mel_contract_to_json(const MelContract& contract);

// What both directions, and the command line, hold a contract to. Throws Error{bad_input}.
void validate(const MelContract& contract, const std::string& name);

}  // namespace ondes
