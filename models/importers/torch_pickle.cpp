#include "models/importers/torch_pickle.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/error.h"
#include "engine/files/json_fields.h"
#include "models/importers/pickle_opcodes_internal.h"

namespace ondes {
namespace {

using NodeId = std::uint32_t;

constexpr std::size_t kMaxTextBytes = 4096;

enum class NodeKind {
  none,
  boolean,
  integer,
  number,
  text,
  tuple,
  list,
  dictionary,  // items: key, value, key, value...
  global,
  storage,
  tensor,
};

// Everything a pickle can build, in one arena; a node refers to others by number, so that sharing
// and cycles cost nothing and nothing recurses.
struct Node {
  NodeKind kind = NodeKind::none;
  std::int64_t integer = 0;
  double number = 0.0;
  std::string text;                   // of a text; module and name of a global; key of a storage
  std::vector<NodeId> items;          // of a container
  std::size_t tensor = 0;             // of a tensor: its place in tensors_
  TensorType type = TensorType::f32;  // of a storage
};

struct StorageRow {
  std::string_view global;
  TensorType type;
};

constexpr std::array<StorageRow, 10> kStorages{{
    {"torch.FloatStorage", TensorType::f32},
    {"torch.DoubleStorage", TensorType::f64},
    {"torch.HalfStorage", TensorType::f16},
    {"torch.BFloat16Storage", TensorType::bf16},
    {"torch.LongStorage", TensorType::i64},
    {"torch.IntStorage", TensorType::i32},
    {"torch.ShortStorage", TensorType::i16},
    {"torch.CharStorage", TensorType::i8},
    {"torch.ByteStorage", TensorType::u8},
    {"torch.BoolStorage", TensorType::boolean},
}};

constexpr std::string_view kOrderedDict = "collections.OrderedDict";
constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";
constexpr std::string_view kSize = "torch.Size";

std::optional<TensorType> storage_type(std::string_view global) {
  for (const StorageRow& row : kStorages) {
    if (row.global == global) {
      return row.type;
    }
  }
  return std::nullopt;
}

bool is_known_global(std::string_view global) {
  return global == kOrderedDict || global == kRebuildTensor || global == kRebuildParameter ||
         global == kSize || storage_type(global).has_value();
}

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), name_(name) {
    nodes_.reserve(bytes.size() / 4);
  }

  NodeId run() {
    for (;;) {
      opcode_at_ = next_;
      const auto opcode = static_cast<unsigned char>(number(1));
      if (opcode == '.') {
        const NodeId result = pop();
        if (!stack_.empty() || !marks_.empty()) {
          refuse("expected one value at the end, found more");
        }
        return result;
      }
      step(opcode);
    }
  }
  const Node& node(NodeId id) const { return nodes_[id]; }
  const PickledTensor& tensor(const Node& node) const { return tensors_[node.tensor]; }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::bad_input,
                name_ + ": pickle: " + what + " (at byte " + std::to_string(opcode_at_) + ")");
  }

 private:
  // Reading.
  std::span<const std::byte> take(std::uint64_t count) {
    if (count > bytes_.size() - next_) {
      refuse("expected " + std::to_string(count) + " bytes more, found " +
             std::to_string(bytes_.size() - next_) + " (truncated?)");
    }
    const auto part = bytes_.subspan(next_, static_cast<std::size_t>(count));
    next_ += static_cast<std::size_t>(count);
    return part;
  }
  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    const auto part = take(size);
    for (std::size_t i = size; i-- > 0;) {
      value = value << 8U | std::to_integer<std::uint64_t>(part[i]);
    }
    return value;
  }
  std::string text(std::uint64_t size) {
    if (size > kMaxTextBytes) {
      refuse("expected a text of at most " + std::to_string(kMaxTextBytes) + " bytes, found " +
             std::to_string(size));
    }
    const auto part = take(size);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }
  std::string line() {
    const std::size_t begin = next_;
    while (std::to_integer<char>(take(1)[0]) != '\n') {
      if (next_ - begin > kMaxTextBytes) {
        refuse("expected a line of at most " + std::to_string(kMaxTextBytes) + " bytes");
      }
    }
    return {reinterpret_cast<const char*>(bytes_.data()) + begin, next_ - begin - 1};
  }

  // The stack.
  NodeId add(Node node) {
    nodes_.push_back(std::move(node));
    return static_cast<NodeId>(nodes_.size() - 1);
  }
  void push(Node node) { stack_.push_back(add(std::move(node))); }
  void push_integer(std::int64_t value) {
    Node node;
    node.kind = NodeKind::integer;
    node.integer = value;
    push(std::move(node));
  }
  NodeId pop() {
    if (stack_.empty() || (!marks_.empty() && marks_.back() == stack_.size())) {
      refuse("expected a value on the stack, found none");
    }
    const NodeId top = stack_.back();
    stack_.pop_back();
    return top;
  }
  std::vector<NodeId> pop_to_mark() {
    if (marks_.empty()) {
      refuse("expected a mark on the stack, found none");
    }
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<NodeId> values(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return values;
  }
  Node& top(NodeKind kind, const char* what) {
    const NodeId id = pop();
    stack_.push_back(id);
    if (nodes_[id].kind != kind) {
      refuse(std::string("expected ") + what + " on the stack, found something else");
    }
    return nodes_[id];
  }
  void push_tuple(std::vector<NodeId> items) {
    Node node;
    node.kind = NodeKind::tuple;
    node.items = std::move(items);
    push(std::move(node));
  }
  void push_tuple_of(std::size_t count) {
    std::vector<NodeId> items(count);
    for (std::size_t i = count; i-- > 0;) {
      items[i] = pop();
    }
    push_tuple(std::move(items));
  }

  // The memo.
  void store(std::uint64_t place) {
    const NodeId value = pop();
    stack_.push_back(value);
    // PyTorch numbers memo entries in order; a far index would only buy memory.
    if (place > bytes_.size()) {
      refuse("expected a memo index below the pickle's size, found " + std::to_string(place));
    }
    memo_[place] = value;
  }
  void fetch(std::uint64_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) {
      refuse("expected a value in memo entry " + std::to_string(place) + ", found none");
    }
    stack_.push_back(found->second);
  }

  void step(unsigned char opcode);
  void push_constant(unsigned char opcode);
  void push_long();
  void push_global();
  void append(std::vector<NodeId> values);
  void set_items(std::vector<NodeId> values);
  void persistent_load();
  void reduce();
  void build();
  void rebuild_tensor(const std::vector<NodeId>& arguments);
  void check_bounds(const PickledTensor& tensor);
  const Node& argument(const std::vector<NodeId>& items,
                       std::size_t index,
                       NodeKind kind,
                       const char* what);
  std::vector<std::int64_t> integers(const Node& tuple, const char* what);

  std::span<const std::byte> bytes_;
  const std::string& name_;
  std::size_t next_ = 0;
  std::size_t opcode_at_ = 0;
  std::vector<Node> nodes_;
  std::vector<NodeId> stack_;
  std::vector<std::size_t> marks_;
  std::map<std::uint64_t, NodeId> memo_;
  std::vector<PickledTensor> tensors_;
};

void Machine::push_constant(unsigned char opcode) {
  Node node;
  switch (opcode) {
    case 'N':
      break;
    case 0x88:
    case 0x89:
      node.kind = NodeKind::boolean;
      node.integer = opcode == 0x88 ? 1 : 0;
      break;
    case '}':
      node.kind = NodeKind::dictionary;
      break;
    case ']':
      node.kind = NodeKind::list;
      break;
    default:
      node.kind = NodeKind::tuple;
      break;
  }
  push(std::move(node));
}

// LONG1: two's complement, little endian, as many bytes as it says.
void Machine::push_long() {
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

void Machine::push_global() {
  const std::string module = line();
  Node node;
  node.kind = NodeKind::global;
  node.text = module + "." + line();
  if (!is_known_global(node.text)) {
    refuse("expected nothing but tensors and plain containers, found the global " +
           quote(node.text) + ", which is not loaded; save a plain state_dict instead");
  }
  push(std::move(node));
}

void Machine::append(std::vector<NodeId> values) {
  Node& list = top(NodeKind::list, "a list");
  list.items.insert(list.items.end(), values.begin(), values.end());
}

void Machine::set_items(std::vector<NodeId> values) {
  if (values.size() % 2 != 0) {
    refuse("expected keys with values, found an odd number of items");
  }
  Node& dictionary = top(NodeKind::dictionary, "a dictionary");
  dictionary.items.insert(dictionary.items.end(), values.begin(), values.end());
}

const Node& Machine::argument(const std::vector<NodeId>& items,
                              std::size_t index,
                              NodeKind kind,
                              const char* what) {
  if (index >= items.size() || nodes_[items[index]].kind != kind) {
    refuse(std::string("expected ") + what + " as item " + std::to_string(index) +
           " of a tensor's description, found " +
           (index >= items.size() ? "nothing" : "something else"));
  }
  return nodes_[items[index]];
}

std::vector<std::int64_t> Machine::integers(const Node& tuple, const char* what) {
  if (tuple.items.size() > kMaxTensorRank) {
    refuse(std::string("expected ") + what + " of at most " + std::to_string(kMaxTensorRank) +
           " numbers, found " + std::to_string(tuple.items.size()));
  }
  std::vector<std::int64_t> values;
  for (std::size_t i = 0; i < tuple.items.size(); ++i) {
    values.push_back(argument(tuple.items, i, NodeKind::integer, what).integer);
    if (values.back() < 0) {
      refuse(std::string("expected ") + what + " without negative numbers, found " +
             std::to_string(values.back()));
    }
  }
  return values;
}

// ('storage', torch.FloatStorage, '0', 'cpu', 1234)
void Machine::persistent_load() {
  const NodeId id = pop();
  if (nodes_[id].kind != NodeKind::tuple) {
    refuse("expected a storage's description, found something else");
  }
  const std::vector<NodeId> items = nodes_[id].items;
  if (argument(items, 0, NodeKind::text, "the word 'storage'").text != "storage") {
    refuse("expected a storage, found " + quote(nodes_[items[0]].text));
  }
  const std::optional<TensorType> type =
      storage_type(argument(items, 1, NodeKind::global, "a storage type").text);
  if (!type) {
    refuse("expected a storage type, found " + quote(nodes_[items[1]].text));
  }
  Node node;
  node.kind = NodeKind::storage;
  node.type = *type;
  node.text = argument(items, 2, NodeKind::text, "a storage's key").text;
  node.integer = argument(items, 4, NodeKind::integer, "a storage's size").integer;
  if (node.integer < 0) {
    refuse("expected a storage's size, found " + std::to_string(node.integer));
  }
  push(std::move(node));
}

// Elements reach from the offset to offset + sum of (size - 1) * stride; a tensor must not have more
// of them than its storage, or a few bytes could ask for any amount of memory.
void Machine::check_bounds(const PickledTensor& tensor) {
  if (tensor.shape.size() != tensor.strides.size()) {
    refuse("expected as many strides as sizes, found " + std::to_string(tensor.strides.size()) +
           " and " + std::to_string(tensor.shape.size()));
  }
  if (std::find(tensor.shape.begin(), tensor.shape.end(), 0) != tensor.shape.end()) {
    return;
  }
  const std::int64_t limit = tensor.storage_elements;
  std::int64_t count = 1;
  std::int64_t last = tensor.offset;
  bool inside = last < limit;
  for (std::size_t i = 0; i < tensor.shape.size() && inside; ++i) {
    inside = tensor.shape[i] <= limit / count;
    count *= inside ? tensor.shape[i] : 0;
    const std::int64_t steps = tensor.shape[i] - 1;
    inside = inside && (steps == 0 || tensor.strides[i] <= (limit - 1 - last) / steps);
    last += inside ? steps * tensor.strides[i] : 0;
  }
  if (!inside) {
    refuse("expected a tensor within its storage of " + std::to_string(limit) +
           " elements, found one that reaches beyond it");
  }
}

// (storage, offset, shape, strides, requires_grad, backward_hooks)
void Machine::rebuild_tensor(const std::vector<NodeId>& arguments) {
  const Node& storage = argument(arguments, 0, NodeKind::storage, "a storage");
  PickledTensor tensor;
  tensor.type = storage.type;
  tensor.storage = storage.text;
  tensor.storage_elements = storage.integer;
  tensor.offset = argument(arguments, 1, NodeKind::integer, "an offset").integer;
  if (tensor.offset < 0) {
    refuse("expected an offset, found " + std::to_string(tensor.offset));
  }
  tensor.shape = integers(argument(arguments, 2, NodeKind::tuple, "a shape"), "a shape");
  tensor.strides = integers(argument(arguments, 3, NodeKind::tuple, "strides"), "strides");
  check_bounds(tensor);
  Node node;
  node.kind = NodeKind::tensor;
  node.tensor = tensors_.size();
  tensors_.push_back(std::move(tensor));
  push(std::move(node));
}

void Machine::reduce() {
  const NodeId tuple = pop();
  const NodeId callee = pop();
  if (nodes_[tuple].kind != NodeKind::tuple || nodes_[callee].kind != NodeKind::global) {
    refuse("expected a global and its arguments on the stack, found something else");
  }
  const std::vector<NodeId> arguments = nodes_[tuple].items;
  const std::string_view global = nodes_[callee].text;
  if (global == kRebuildTensor) {
    rebuild_tensor(arguments);
  } else if (global == kRebuildParameter) {
    static_cast<void>(argument(arguments, 0, NodeKind::tensor, "a tensor"));
    stack_.push_back(arguments[0]);
  } else if (global == kSize) {
    static_cast<void>(argument(arguments, 0, NodeKind::tuple, "a shape"));
    stack_.push_back(arguments[0]);
  } else if (global == kOrderedDict && arguments.empty()) {
    push_constant('}');
  } else {
    refuse("expected a call PyTorch writes, found one of " + quote(global));
  }
}

// Only an OrderedDict's attributes (the state_dict's version numbers), which mean nothing here.
void Machine::build() {
  const NodeId state = pop();
  static_cast<void>(top(NodeKind::dictionary, "a dictionary whose state is set"));
  if (nodes_[state].kind != NodeKind::dictionary) {
    refuse("expected a dictionary as state, found something else");
  }
}

void Machine::step(unsigned char opcode) {
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
      Node node;
      node.kind = NodeKind::number;
      node.number = std::bit_cast<double>(bits);
      return push(std::move(node));
    }
    case 'X': {
      Node node;
      node.kind = NodeKind::text;
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
      const NodeId value = pop();
      const NodeId key = pop();
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

// Turns what the machine built into leaves with paths.
class Flattener {
 public:
  explicit Flattener(const Machine& machine) : machine_(machine) {}

  // Recursion ends at kMaxPickleDepth.
  void walk(NodeId id, const std::string& path, int depth) {
    const Node& node = machine_.node(id);
    switch (node.kind) {
      case NodeKind::tensor:
        count_leaf();
        return keep(&result.tensors, path, machine_.tensor(node));
      case NodeKind::none:
        return keep_scalar(path, std::monostate());
      case NodeKind::boolean:
        return keep_scalar(path, node.integer != 0);
      case NodeKind::integer:
        return keep_scalar(path, node.integer);
      case NodeKind::number:
        return keep_scalar(path, node.number);
      case NodeKind::text:
        return keep_scalar(path, node.text);
      case NodeKind::global:
      case NodeKind::storage:
        machine_.refuse("expected data at " + quote(path) + ", found " +
                        (node.kind == NodeKind::global ? "the global " + quote(node.text)
                                                       : "a storage without a tensor"));
      case NodeKind::tuple:
      case NodeKind::list:
      case NodeKind::dictionary:
        break;
    }
    if (depth >= kMaxPickleDepth) {
      machine_.refuse("expected at most " + std::to_string(kMaxPickleDepth) +
                      " levels of containers, found more at " + quote(path));
    }
    const std::size_t step = node.kind == NodeKind::dictionary ? 2 : 1;
    for (std::size_t i = 0; i < node.items.size(); i += step) {
      count_leaf();  // of empty containers too
      const std::string key =
          step == 2 ? key_text(machine_.node(node.items[i]), path) : std::to_string(i);
      walk(node.items[i + step - 1], path.empty() ? key : path + "/" + key, depth + 1);
    }
  }

  TorchPickle result;

 private:
  void count_leaf() {
    if (++leaves_ > kMaxPickleLeaves) {
      machine_.refuse("expected at most " + std::to_string(kMaxPickleLeaves) +
                      " values, found more");
    }
  }
  std::string key_text(const Node& key, const std::string& path) const {
    if (key.kind == NodeKind::text) {
      return key.text;
    }
    if (key.kind == NodeKind::integer) {
      return std::to_string(key.integer);
    }
    machine_.refuse("expected texts and integers as keys of " + quote(path) +
                    ", found something else");
  }
  template <typename Map, typename Value>
  void keep(Map* map, const std::string& path, const Value& value) {
    if (result.tensors.contains(path) || result.scalars.contains(path)) {
      machine_.refuse("expected " + quote(path) + " once, found it twice");
    }
    map->emplace(path, value);
  }
  void keep_scalar(const std::string& path, const PickledScalar& value) {
    count_leaf();
    keep(&result.scalars, path, value);
  }

  const Machine& machine_;
  std::size_t leaves_ = 0;
};

}  // namespace

TorchPickle parse_torch_pickle(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.size() > kMaxPickleBytes) {
    throw Error(ErrorCode::bad_input, name + ": pickle: expected at most " +
                                          std::to_string(kMaxPickleBytes) + " bytes, found " +
                                          std::to_string(bytes.size()));
  }
  Machine machine(bytes, name);
  const NodeId root = machine.run();
  Flattener flattener(machine);
  flattener.walk(root, "", 0);
  return std::move(flattener.result);
}

}  // namespace ondes
