// Whole files that appear under their final name only when complete: temporary file beside the
// target, checked writes, fsync, rename. Set-up thread.
#pragma once
#include <cstddef>
#include <span>
#include <string>

namespace ondes {

// Throws Error{io} naming path and reason; then nothing is left behind and an existing target is untouched.
void write_file_atomically(const std::string& path, std::span<const std::byte> bytes);

}  // namespace ondes
