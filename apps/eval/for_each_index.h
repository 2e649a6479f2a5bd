// A piece of work for each of many things, on several threads.
//
// Any thread.
#pragma once
#include <cstddef>
#include <functional>

namespace ondes {

// work(i) for all i below `count`, each once, on `threads` threads (0: as many as the machine has),
// the caller's among them. The first exception ends the others after their current piece and is
// thrown again. Throws Error{interrupted} after an interrupt (apps/interrupt.h).
void for_each_index(std::size_t count, int threads, const std::function<void(std::size_t)>& work);

}  // namespace ondes
