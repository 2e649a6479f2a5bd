// Names of pickle opcodes, as Python's pickletools gives them, for refusing them by name.
#pragma once
#include <array>
#include <string>
#include <string_view>

namespace ondes {

struct PickleOpcodeRow {
  unsigned char opcode;
  std::string_view name;
};

// The opcodes that this reader refuses; the others never need a name.
inline constexpr std::array<PickleOpcodeRow, 37> kRefusedPickleOpcodes{{
    {'i', "INST"},
    {'o', "OBJ"},
    {0x81, "NEWOBJ"},
    {0x92, "NEWOBJ_EX"},
    {0x93, "STACK_GLOBAL"},
    {0x82, "EXT1"},
    {0x83, "EXT2"},
    {0x84, "EXT4"},
    {'P', "PERSID"},
    {'I', "INT"},
    {'L', "LONG"},
    {0x8B, "LONG4"},
    {'S', "STRING"},
    {'T', "BINSTRING"},
    {'U', "SHORT_BINSTRING"},
    {'V', "UNICODE"},
    {'F', "FLOAT"},
    {'l', "LIST"},
    {'d', "DICT"},
    {'p', "PUT"},
    {'g', "GET"},
    {'0', "POP"},
    {'1', "POP_MARK"},
    {'2', "DUP"},
    {'B', "BINBYTES"},
    {'C', "SHORT_BINBYTES"},
    {0x8C, "SHORT_BINUNICODE"},
    {0x8D, "BINUNICODE8"},
    {0x8E, "BINBYTES8"},
    {0x8F, "EMPTY_SET"},
    {0x90, "ADDITEMS"},
    {0x91, "FROZENSET"},
    {0x94, "MEMOIZE"},
    {0x95, "FRAME"},
    {0x96, "BYTEARRAY8"},
    {0x97, "NEXT_BUFFER"},
    {0x98, "READONLY_BUFFER"},
}};

inline std::string pickle_opcode_name(unsigned char opcode) {
  for (const PickleOpcodeRow& row : kRefusedPickleOpcodes) {
    if (row.opcode == opcode) {
      return "opcode " + std::string(row.name);
    }
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  return std::string("byte 0x") + kDigits[opcode >> 4U] + kDigits[opcode & 15U];
}

}  // namespace ondes
