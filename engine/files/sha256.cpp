#include "engine/files/sha256.h"

#include <sha2.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

#include "engine/error.h"

namespace ondes {

namespace {

std::string finish_hex(SHA2_CTX* context) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256Final(digest.data(), context);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const std::uint8_t byte : digest) {
    hex += kDigits[byte >> 4U];
    hex += kDigits[byte & 15U];
  }
  return hex;
}

}  // namespace

std::string sha256_hex(std::span<const std::byte> bytes) {
  SHA2_CTX context;
  SHA256Init(&context);
  SHA256Update(&context, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  return finish_hex(&context);
}

// Block by block: a mapped file would count as memory of ours, and outputs can be large.
std::string sha256_of_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    throw Error(ErrorCode::io, path + ": cannot be opened: " + std::strerror(errno));
  }
  SHA2_CTX context;
  SHA256Init(&context);
  std::vector<std::uint8_t> block(std::size_t{1} << 16U);
  while (const std::size_t count = std::fread(block.data(), 1, block.size(), file)) {
    SHA256Update(&context, block.data(), count);
  }
  const bool good = std::ferror(file) == 0;
  const int reason = errno;
  std::fclose(file);
  if (!good) {
    throw Error(ErrorCode::io, path + ": cannot be read: " + std::strerror(reason));
  }
  return finish_hex(&context);
}

}  // namespace ondes
