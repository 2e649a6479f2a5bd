// Calibration of a block plan in a voice file: the range that every channel of every signal took on
// given mels, from which 8 bits take their steps (engine/plan/block_plan.h, BlockPlan::ranges).
//
//   calibration.<value>  (2, C)   the least, then the greatest number of each channel
//
// <value> is the name of the plan's value ("ups.0", "resblocks.3.convs1.1.leaky_relu"). A voice has
// all of a plan's values or none.
//
// Set-up thread. Everything throws Error{bad_input} naming file, tensor, expected, found.
#pragma once
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/plan/block_plan.h"
#include "engine/weights/safetensors.h"

namespace ondes {

// Whether a tensor of a voice file belongs to its calibration, and not to its network.
bool is_block_calibration(const std::string& tensor);

// ranges: one a channel of every value. Throws too if two values have one name.
std::map<std::string, TensorData> block_calibration_tensors(const BlockPlan& plan,
                                                            std::span<const BlockRange> ranges);

// What a voice file has for the plan; nothing where it has no calibration.
std::vector<BlockRange> read_block_calibration(const BlockPlan& plan, const SafetensorsFile& file);

}  // namespace ondes
