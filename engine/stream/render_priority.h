// The scheduling of the threads that sound depends on.
//
// Any thread, about itself.
#pragma once

namespace ondes {

// Asks for real-time scheduling of the calling thread (SCHED_FIFO, below the threads of sound
// servers and drivers, which are at 70 and above by custom). False where the system does not allow
// it; then the thread is scheduled as before.
bool take_render_priority() noexcept;

// What tools such as top and gdb call the calling thread; at most 15 characters.
void name_this_thread(const char* name) noexcept;

}  // namespace ondes
