// ONDES_UNROLL before a loop of constant length: the device's compiler must unroll it, so that arrays
// it indexes stay in registers. Any thread.
#pragma once

#if defined(__CUDA_ARCH__)
#define ONDES_UNROLL _Pragma("unroll")
#define ONDES_UNROLL_4 _Pragma("unroll 4")
#else
#define ONDES_UNROLL
#define ONDES_UNROLL_4
#endif
