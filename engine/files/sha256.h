// SHA-256 (FIPS 180-4) as 64 lower-case hexadecimal digits, by libmd. Set-up thread.
#pragma once
#include <cstddef>
#include <span>
#include <string>

namespace ondes {

std::string sha256_hex(std::span<const std::byte> bytes);

// In blocks of constant memory. Throws Error{io} naming path and reason.
std::string sha256_of_file(const std::string& path);

}  // namespace ondes
