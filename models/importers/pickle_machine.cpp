#include <bit>

#include "engine/error.h"
#include "models/importers/pickle_machine_internal.h"
#include "models/importers/pickle_opcodes_internal.h"

namespace ondes {
namespace {

constexpr std::size_t kMaxTextBytes = 4096;

}  // namespace

PickleNodeId PickleMachine::run() {
  for (;;) {
    opcode_at_ = next_;
    const auto opcode = static_cast<unsigned char>(number(1));
    if (opcode == '.') {
      const PickleNodeId result = pop();
      if (!stack_.empty() || !marks_.empty()) {
        refuse("expected one value at the end, found more");
      }
      return result;
    }
    step(opcode);
  }
}

void PickleMachine::refuse(const std::string& what) const {
  throw Error(ErrorCode::bad_input,
              name_ + ": pickle: " + what + " (at byte " + std::to_string(opcode_at_) + ")");
}

std::span<const std::byte> PickleMachine::take(std::uint64_t count) {
  if (count > bytes_.size() - next_) {
    refuse("expected " + std::to_string(count) + " bytes more, found " +
           std::to_string(bytes_.size() - next_) + " (truncated?)");
  }
  const auto part = bytes_.subspan(next_, static_cast<std::size_t>(count));
  next_ += static_cast<std::size_t>(count);
  return part;
}

std::uint64_t PickleMachine::number(std::size_t size) {
  std::uint64_t value = 0;
  const auto part = take(size);
  for (std::size_t i = size; i-- > 0;) {
    value = value << 8U | std::to_integer<std::uint64_t>(part[i]);
  }
  return value;
}

std::string PickleMachine::text(std::uint64_t size) {
  if (size > kMaxTextBytes) {
    refuse("expected a text of at most " + std::to_string(kMaxTextBytes) + " bytes, found " +
           std::to_string(size));
  }
  const auto part = take(size);
  return {reinterpret_cast<const char*>(part.data()), part.size()};
}

std::string PickleMachine::line() {
  const std::size_t begin = next_;
  while (std::to_integer<char>(take(1)[0]) != '\n') {
    if (next_ - begin > kMaxTextBytes) {
      refuse("expected a line of at most " + std::to_string(kMaxTextBytes) + " bytes");
    }
  }
  return {reinterpret_cast<const char*>(bytes_.data()) + begin, next_ - begin - 1};
}

PickleNodeId PickleMachine::add(PickleNode node) {
  nodes_.push_back(std::move(node));
  return static_cast<PickleNodeId>(nodes_.size() - 1);
}

void PickleMachine::push_integer(std::int64_t value) {
  PickleNode node;
  node.kind = PickleKind::integer;
  node.integer = value;
  push(std::move(node));
}

PickleNodeId PickleMachine::pop() {
  if (stack_.empty() || (!marks_.empty() && marks_.back() == stack_.size())) {
    refuse("expected a value on the stack, found none");
  }
  const PickleNodeId top = stack_.back();
  stack_.pop_back();
  return top;
}

std::vector<PickleNodeId> PickleMachine::pop_to_mark() {
  if (marks_.empty()) {
    refuse("expected a mark on the stack, found none");
  }
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<PickleNodeId> values(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return values;
}

PickleNode& PickleMachine::top(PickleKind kind, const char* what) {
  const PickleNodeId id = pop();
  stack_.push_back(id);
  if (nodes_[id].kind != kind) {
    refuse(std::string("expected ") + what + " on the stack, found something else");
  }
  return nodes_[id];
}

void PickleMachine::push_tuple(std::vector<PickleNodeId> items) {
  PickleNode node;
  node.kind = PickleKind::tuple;
  node.items = std::move(items);
  push(std::move(node));
}

void PickleMachine::push_tuple_of(std::size_t count) {
  std::vector<PickleNodeId> items(count);
  for (std::size_t i = count; i-- > 0;) {
    items[i] = pop();
  }
  push_tuple(std::move(items));
}

void PickleMachine::store(std::uint64_t place) {
  const PickleNodeId value = pop();
  stack_.push_back(value);
  // PyTorch numbers memo entries in order; a far index would only buy memory.
  if (place > bytes_.size()) {
    refuse("expected a memo index below the pickle's size, found " + std::to_string(place));
  }
  memo_[place] = value;
}

void PickleMachine::fetch(std::uint64_t place) {
  const auto found = memo_.find(place);
  if (found == memo_.end()) {
    refuse("expected a value in memo entry " + std::to_string(place) + ", found none");
  }
  stack_.push_back(found->second);
}

void PickleMachine::push_constant(unsigned char opcode) {
  PickleNode node;
  switch (opcode) {
    case 'N':
      break;
    case 0x88:
    case 0x89:
      node.kind = PickleKind::boolean;
      node.integer = opcode == 0x88 ? 1 : 0;
      break;
    case '}':
      node.kind = PickleKind::dictionary;
      break;
    case ']':
      node.kind = PickleKind::list;
      break;
    default:
      node.kind = PickleKind::tuple;
      break;
  }
  push(std::move(node));
}

// LONG1: two's complement, little endian, as many bytes as it says.
void PickleMachine::push_long() {
  const std::uint64_t size = number(1);
  if (size > 8) {
    refuse("expected an integer of at most 64 bits, found " + std::to_string(8 * size));
  }
  std::uint64_t value = number(static_cast<std::size_t>(size));
  if (size > 0 && size < 8 && (value >> (8 * size - 1) & 1U) != 0) {
    value |= ~std::uint64_t{0} << (8 * size);
  }
  push_integer(static_cast<std::int64_t>(value));
}

void PickleMachine::append(std::vector<PickleNodeId> values) {
  PickleNode& list = top(PickleKind::list, "a list");
  list.items.insert(list.items.end(), values.begin(), values.end());
}

void PickleMachine::set_items(std::vector<PickleNodeId> values) {
  if (values.size() % 2 != 0) {
    refuse("expected keys with values, found an odd number of items");
  }
  PickleNode& dictionary = top(PickleKind::dictionary, "a dictionary");
  dictionary.items.insert(dictionary.items.end(), values.begin(), values.end());
}

void PickleMachine::step(unsigned char opcode) {
  switch (opcode) {
    case 0x80:
      if (const std::uint64_t protocol = number(1); protocol != 2) {
        refuse("expected protocol 2, which torch.save writes, found " + std::to_string(protocol));
      }
      return;
    case 'N':
    case 0x88:
    case 0x89:
    case '}':
    case ']':
    case ')':
      return push_constant(opcode);
    case 'K':
      return push_integer(static_cast<std::int64_t>(number(1)));
    case 'M':
      return push_integer(static_cast<std::int64_t>(number(2)));
    case 'J':
      return push_integer(static_cast<std::int32_t>(static_cast<std::uint32_t>(number(4))));
    case 0x8A:
      return push_long();
    case 'G': {
      std::uint64_t bits = 0;
      for (const std::byte byte : take(8)) {  // big endian
        bits = bits << 8U | std::to_integer<std::uint64_t>(byte);
      }
      PickleNode node;
      node.kind = PickleKind::number;
      node.number = std::bit_cast<double>(bits);
      return push(std::move(node));
    }
    case 'X': {
      PickleNode node;
      node.kind = PickleKind::text;
      node.text = text(number(4));
      return push(std::move(node));
    }
    case '(':
      return marks_.push_back(stack_.size());
    case 't':
      return push_tuple(pop_to_mark());
    case 0x85:
    case 0x86:
    case 0x87:
      return push_tuple_of(opcode - 0x84U);
    case 'a':
      return append({pop()});
    case 'e':
      return append(pop_to_mark());
    case 's': {
      const PickleNodeId value = pop();
      const PickleNodeId key = pop();
      return set_items({key, value});
    }
    case 'u':
      return set_items(pop_to_mark());
    case 'q':
      return store(number(1));
    case 'r':
      return store(number(4));
    case 'h':
      return fetch(number(1));
    case 'j':
      return fetch(number(4));
    case 'c':
      return push_global();
    case 'Q':
      return persistent_load();
    case 'R':
      return reduce();
    case 'b':
      return build();
    default:
      refuse("expected one of the opcodes that build tensors and plain containers, found " +
             pickle_opcode_name(opcode));
  }
}

}  // namespace ondes
