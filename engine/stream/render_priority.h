// The scheduling of the threads that sound depends on.
//
// A user's limit `rtprio` decides whether real-time scheduling is given (limits.conf; sound servers'
// packages set it for a group such as `audio`). RealtimeKit, the other way to have it, would have
// to be asked over D-Bus, which nothing here does.
//
// Any thread, about itself.
#pragma once

namespace ondes {

enum class RenderScheduling {
  as_everything,  // real time was not asked for
  real_time,
  refused,  // it was asked for; the thread is scheduled as everything else
};

// Asks for real-time scheduling of the calling thread (SCHED_FIFO, below the threads of sound
// servers and drivers, which are at 70 and above by custom). False where the system does not allow
// it; then the thread is scheduled as before.
bool take_render_priority() noexcept;

// What tools such as top and gdb call the calling thread; at most 15 characters.
void name_this_thread(const char* name) noexcept;

}  // namespace ondes
