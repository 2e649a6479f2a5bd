// ONDES_HOST_DEVICE marks what both a kernel and the host run: arithmetic of one thread, index maps
// and, in cuda/, whole kernel bodies. The plain compiler sees nothing, nvcc both qualifiers, so that
// a CPU and a GPU share one text, and host tests execute exactly what a GPU executes
// (cuda/emulator.h). Any thread.
#pragma once

#if defined(__CUDACC__)
#define ONDES_HOST_DEVICE __host__ __device__
#else
#define ONDES_HOST_DEVICE
#endif
