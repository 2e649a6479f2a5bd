// ONDES_REALTIME marks members that may run on an audio or render thread: they neither allocate,
// lock, log, throw nor enter the kernel. The marker stands in the declaration, after noexcept.
//
// Two gates stand behind it: tests/realtime/ counts allocations around every marked call, and in a
// compiler that has it (clang 20) the `rtsan` preset turns the marker into the non-blocking
// attribute.
#pragma once

#if defined(ONDES_RTSAN) && defined(__has_cpp_attribute)
#if __has_cpp_attribute(clang::nonblocking)
#define ONDES_REALTIME [[clang::nonblocking]]
#endif
#endif
#ifndef ONDES_REALTIME
#define ONDES_REALTIME
#endif
