// A BlockRunner whose frames are made by a device's kernels.
//
// A call is one upload (header and input), the launches of its schedule of frames, one download. A
// schedule that comes a second time becomes a graph, which is replayed from then on; that of a full
// block in the middle of a signal is made at set-up. At most kGraphs are kept, the longest unused
// goes first. A new schedule allocates, on the host and in the driver.
//
// max_output_frames() holds the end of a signal too: finish() gives it in one piece. A device that
// fails gives NaN from then on, which no writer accepts, never silence.
// Set-up thread: construction, set_probe(). Render thread: the rest, which waits for the device.
#pragma once
#include <memory>

#include "cuda/block/device.h"
#include "engine/plan/block_runner.h"

namespace ondes::gpu {

// Throws Error{bad_input} if the plan is inconsistent, Error{usage} if an option is or the plan goes
// beyond the kernels, Error{no_device} if the device has too little memory. options.threads is the
// CPU's and not read.
std::unique_ptr<BlockRunner> make_device_block_runner(std::unique_ptr<BlockDevice> device,
                                                      const BlockPlan& plan,
                                                      const BlockRunnerOptions& options);

}  // namespace ondes::gpu
