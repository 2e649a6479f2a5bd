// The machine that torch_pickle.h describes: the stack, the memo and the nodes that a pickle builds,
// and the few opcodes it may use.
//
//   pickle_machine.cpp   reading, the stack, plain data and containers
//   pickle_tensors.cpp   globals, storages and tensors
//
// Set-up thread. Everything throws Error{bad_input} naming the file, what was expected, what was
// found, and the offset.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/importers/torch_pickle.h"

namespace ondes {

using PickleNodeId = std::uint32_t;

enum class PickleKind {
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
struct PickleNode {
  PickleKind kind = PickleKind::none;
  std::int64_t integer = 0;
  double number = 0.0;
  std::string text;                   // of a text; module and name of a global; key of a storage
  std::vector<PickleNodeId> items;    // of a container
  std::size_t tensor = 0;             // of a tensor: its place in tensors_
  TensorType type = TensorType::f32;  // of a storage
};

class PickleMachine {
 public:
  PickleMachine(std::span<const std::byte> bytes, const std::string& name)
      : bytes_(bytes), name_(name) {
    nodes_.reserve(bytes.size() / 4);
  }

  PickleNodeId run();
  const PickleNode& node(PickleNodeId id) const { return nodes_[id]; }
  const PickledTensor& tensor(const PickleNode& node) const { return tensors_[node.tensor]; }

  [[noreturn]] void refuse(const std::string& what) const;

 private:
  // Reading.
  std::span<const std::byte> take(std::uint64_t count);
  std::uint64_t number(std::size_t size);
  std::string text(std::uint64_t size);
  std::string line();

  // The stack.
  PickleNodeId add(PickleNode node);
  void push(PickleNode node) { stack_.push_back(add(std::move(node))); }
  void push_integer(std::int64_t value);
  PickleNodeId pop();
  std::vector<PickleNodeId> pop_to_mark();
  PickleNode& top(PickleKind kind, const char* what);
  void push_tuple(std::vector<PickleNodeId> items);
  void push_tuple_of(std::size_t count);

  // The memo.
  void store(std::uint64_t place);
  void fetch(std::uint64_t place);

  void step(unsigned char opcode);
  void push_constant(unsigned char opcode);
  void push_long();
  void push_global();
  void append(std::vector<PickleNodeId> values);
  void set_items(std::vector<PickleNodeId> values);
  void persistent_load();
  void reduce();
  void build();
  void rebuild_tensor(const std::vector<PickleNodeId>& arguments);
  void check_bounds(const PickledTensor& tensor);
  const PickleNode& argument(const std::vector<PickleNodeId>& items,
                             std::size_t index,
                             PickleKind kind,
                             const char* what);
  std::vector<std::int64_t> integers(const PickleNode& tuple, const char* what);

  std::span<const std::byte> bytes_;
  const std::string& name_;
  std::size_t next_ = 0;
  std::size_t opcode_at_ = 0;
  std::vector<PickleNode> nodes_;
  std::vector<PickleNodeId> stack_;
  std::vector<std::size_t> marks_;
  std::map<std::uint64_t, PickleNodeId> memo_;
  std::vector<PickledTensor> tensors_;
};

}  // namespace ondes
