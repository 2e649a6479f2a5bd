// ONDES_HOST_DEVICE marks what both a kernel and the host run: per-thread arithmetic, index maps
// and whole kernel bodies. The plain compiler sees nothing, nvcc both qualifiers, so that host
// tests execute exactly the code that a GPU executes (cuda/emulator.h). Any thread.
#pragma once

#if defined(__CUDACC__)
#define ONDES_HOST_DEVICE __host__ __device__
#else
#define ONDES_HOST_DEVICE
#endif
