// CRC-32 as zip archives carry it: the polynomial 0xEDB88320 (reflected), register and result
// inverted. Eight bytes a step through eight tables (M. Kounavis, F. Berry, "A systematic approach
// to building high performance software-based CRC generators", 2005).
//
// Any thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace ondes {

std::uint32_t crc32(std::span<const std::byte> bytes) noexcept;

}  // namespace ondes
