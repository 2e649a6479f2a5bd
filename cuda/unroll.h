// What a kernel needs to keep its arrays in registers: ONDES_UNROLL before a loop of constant length,
// and ONDES_FORCE_INLINE for members of an object that holds such arrays. ONDES_UNROLL_BY(times), before
// a loop of any length, has the loads of so many turns under way together. Any thread.
#pragma once

#if defined(__CUDA_ARCH__)
#define ONDES_UNROLL _Pragma("unroll")
#define ONDES_UNROLL_4 _Pragma("unroll 4")
#define ONDES_PRAGMA(text) _Pragma(#text)
#define ONDES_UNROLL_BY(times) ONDES_PRAGMA(unroll times)
#else
#define ONDES_UNROLL
#define ONDES_UNROLL_BY(times)
#define ONDES_UNROLL_4
#endif

#if defined(__CUDACC__)
#define ONDES_FORCE_INLINE __forceinline__
#else
#define ONDES_FORCE_INLINE
#endif
