// Holds signals back on this thread while it lives.
//
// oneDNN's generated AVX-512 kernels (seen in 2.6) use the stack pointer as a pointer into their
// workspace on the heap. A signal handler's frame, 3 KB with those registers in it, would be
// written over whatever lies below. So no handler may run on a thread that is inside them; what
// arrives meanwhile is delivered afterwards, on the real stack. Threads started meanwhile (those of
// OpenMP are, at the first parallel loop) inherit the mask and keep it.
//
// Set-up thread.
#pragma once
#include <signal.h>

#include <initializer_list>

namespace ondes {

class SignalsHeldBack {
 public:
  SignalsHeldBack() {
    sigset_t all;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) {
      sigdelset(&all, fault);
    }
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsHeldBack() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeldBack(const SignalsHeldBack&) = delete;
  SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace ondes
