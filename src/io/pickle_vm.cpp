// SPDX-License-Identifier: Apache-2.0
#include "pickle_vm.h"

#include <bit>
#include <charconv>
#include <unordered_map>
#include <unordered_set>

#include "bytes.h"
#include "icl/base/error.h"

namespace icl {
namespace {

constexpr int kDeepest = 100;

// Holds every container that the program makes. Lists can be made to contain themselves and can be
// nested a million deep: emptying them one by one, while all are still held here, frees both kinds
// without recursion.
class Containers {
 public:
  Containers() = default;
  Containers(const Containers&) = delete;
  Containers& operator=(const Containers&) = delete;
  ~Containers() {
    for (PickleValue& value : all_) {
      if (kept_.count(address(value)) != 0) continue;
      if (value.is_dict()) {
        value.dict().clear();
      } else {
        value.items().clear();
      }
    }
  }

  const PickleValue& add(const PickleValue& value) {
    if (value.is_dict() || value.is_list() || value.is_tuple()) all_.push_back(value);
    return value;
  }

  // Checks what the caller will get, and lets it live on.
  void keep(const PickleValue& root) { height(root, 0); }

 private:
  static const void* address(const PickleValue& value) {
    if (value.is_dict()) return &value.dict();
    return &value.items();
  }

  // Of the tree below `value`, which lies `depth` below the root.
  int height(const PickleValue& value, int depth) {
    if (value.internal() != nullptr) {
      throw DataError(str(value.kind(), " stands where a value should be"));
    }
    if (!value.is_dict() && !value.is_list() && !value.is_tuple()) return 0;
    const void* const key = address(value);
    const auto known = heights_.find(key);
    if (known != heights_.end() && known->second < 0) {
      throw DataError(str(value.kind(), " contains itself"));
    }
    const int reached = known != heights_.end() ? known->second : 0;
    if (depth + reached >= kDeepest) throw DataError(str("nested deeper than ", kDeepest));
    if (known != heights_.end()) return reached;
    heights_[key] = -1;
    int highest = 0;
    if (value.is_dict()) {
      check_keys(value.dict());
      for (const auto& [name, item] : value.dict()) {
        highest = std::max({highest, height(name, depth + 1), height(item, depth + 1)});
      }
    } else {
      for (const PickleValue& item : value.items()) {
        highest = std::max(highest, height(item, depth + 1));
      }
    }
    kept_.insert(key);
    return heights_[key] = highest + 1;
  }

  static void check_keys(const PickleValue::Dict& dict) {
    std::unordered_set<std::string_view> names;
    for (const auto& [name, item] : dict) {
      if (name.is_text() && !names.insert(name.text()).second) {
        throw DataError(str("the key '", name.text(), "' occurs twice in a dict"));
      }
    }
  }

  std::vector<PickleValue> all_;
  std::unordered_set<const void*> kept_;
  std::unordered_map<const void*, int> heights_;  // -1 while being visited
};

class Machine {
 public:
  Machine(std::string_view program, const PickleHost& host) : program_(program), host_(host) {}

  PickleValue run() {
    try {
      while (step()) {
      }
      const PickleValue root = pop();
      containers_.keep(root);
      return root;
    } catch (const DataError& error) {
      throw DataError(str("pickle, byte ", opcode_at_, ": ", error.what()));
    }
  }

 private:
  bool step();
  bool scalar(unsigned char opcode);
  bool container(unsigned char opcode);
  bool object(unsigned char opcode);

  std::string_view take(uint64_t count) {
    if (count > program_.size() - position_) throw DataError("ends in the middle");
    const std::string_view bytes = program_.substr(position_, count);
    position_ += count;
    return bytes;
  }
  template <class T>
  T take_number() {
    return little<T>(take(sizeof(T)), 0);
  }
  std::string take_line() {
    const size_t end = program_.find('\n', position_);
    if (end == std::string_view::npos) throw DataError("ends in the middle");
    const std::string line(program_.substr(position_, end - position_));
    position_ = end + 1;
    return line;
  }
  PickleValue take_long(uint64_t count) {
    const std::string_view bytes = take(count);
    if (count > 8) throw DataError("an integer of more than 64 bits");
    uint64_t value = count > 0 && (bytes.back() & 0x80) != 0 ? ~uint64_t{0} : 0;
    for (size_t i = count; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return std::bit_cast<int64_t>(value);
  }
  PickleValue take_decimal() {
    std::string line = take_line();
    if (line == "00" || line == "01") return line == "01";
    if (!line.empty() && line.back() == 'L') line.pop_back();
    int64_t value = 0;
    const auto [end, failed] = std::from_chars(line.data(), line.data() + line.size(), value);
    if (failed != std::errc() || end != line.data() + line.size()) {
      throw DataError(str("'", line, "' is no 64-bit integer"));
    }
    return value;
  }

  void push(PickleValue value) { stack_.push_back(std::move(value)); }
  void push_container(const PickleValue& value) { push(containers_.add(value)); }
  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  PickleValue pop() {
    if (stack_.size() <= floor()) throw DataError("takes from an empty stack");
    PickleValue value = std::move(stack_.back());
    stack_.pop_back();
    return value;
  }
  PickleValue& top() {
    if (stack_.size() <= floor()) throw DataError("looks at an empty stack");
    return stack_.back();
  }
  PickleValue::List pop_to_mark() {
    if (marks_.empty()) throw DataError("a mark is missing");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    PickleValue::List items(std::make_move_iterator(first), std::make_move_iterator(stack_.end()));
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
  }
  void push_tuple(size_t count) {
    PickleValue::List items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    push_container(PickleValue::tuple(std::move(items)));
  }
  void recall(uint64_t slot) {
    const auto found = memo_.find(slot);
    if (found == memo_.end()) throw DataError(str("memo ", slot, " was never written"));
    push(found->second);
  }
  void set_items(PickleValue::List pairs) {
    if (pairs.size() % 2 != 0) throw DataError("a key without a value");
    PickleValue::Dict& dict = top().dict();
    for (size_t i = 0; i < pairs.size(); i += 2) {
      dict.emplace_back(std::move(pairs[i]), std::move(pairs[i + 1]));
    }
  }
  void append(PickleValue::List items) {
    if (!top().is_list()) throw DataError(str("appends to ", top().kind()));
    PickleValue::List& list = top().items();
    for (PickleValue& item : items) list.push_back(std::move(item));
  }

  std::string_view program_;
  const PickleHost& host_;
  size_t position_ = 0;
  size_t opcode_at_ = 0;
  std::vector<PickleValue> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, PickleValue> memo_;
  Containers containers_;  // last, so that it is destroyed first
};

bool Machine::step() {
  opcode_at_ = position_;
  const unsigned char opcode = static_cast<unsigned char>(take(1)[0]);
  switch (opcode) {
    case '.':  // STOP
      return false;
    case 0x80: {  // PROTO
      const int protocol = take_number<uint8_t>();
      if (protocol < 2 || protocol > 5) {
        throw DataError(str("protocol ", protocol, ", expected 2 to 5"));
      }
      return true;
    }
    case 0x95:  // FRAME
      take(8);
      return true;
    case '(':  // MARK
      marks_.push_back(stack_.size());
      return true;
    case '0':  // POP
      if (!marks_.empty() && stack_.size() == marks_.back()) {
        marks_.pop_back();
      } else {
        pop();
      }
      return true;
    case '1':  // POP_MARK
      pop_to_mark();
      return true;
    case '2':  // DUP
      push(PickleValue(top()));
      return true;
    case 'q':  // BINPUT
      memo_[take_number<uint8_t>()] = top();
      return true;
    case 'r':  // LONG_BINPUT
      memo_[take_number<uint32_t>()] = top();
      return true;
    case 0x94: {  // MEMOIZE
      const uint64_t slot = memo_.size();
      memo_[slot] = top();
      return true;
    }
    case 'h':  // BINGET
      recall(take_number<uint8_t>());
      return true;
    case 'j':  // LONG_BINGET
      recall(take_number<uint32_t>());
      return true;
    default:
      break;
  }
  if (scalar(opcode) || container(opcode) || object(opcode)) return true;
  throw DataError(str("opcode ", int{opcode}, " is not one that a checkpoint needs"));
}

bool Machine::scalar(unsigned char opcode) {
  switch (opcode) {
    case 'N':  // NONE
      push(PickleValue());
      return true;
    case 0x88:  // NEWTRUE
      push(true);
      return true;
    case 0x89:  // NEWFALSE
      push(false);
      return true;
    case 'I':  // INT
    case 'L':  // LONG
      push(take_decimal());
      return true;
    case 'J':  // BININT
      push(int64_t{take_number<int32_t>()});
      return true;
    case 'K':  // BININT1
      push(int64_t{take_number<uint8_t>()});
      return true;
    case 'M':  // BININT2
      push(int64_t{take_number<uint16_t>()});
      return true;
    case 0x8a:  // LONG1
      push(take_long(take_number<uint8_t>()));
      return true;
    case 0x8b:  // LONG4
      push(take_long(take_number<uint32_t>()));
      return true;
    case 'G':  // BINFLOAT, big-endian
      push(std::bit_cast<double>(__builtin_bswap64(take_number<uint64_t>())));
      return true;
    case 'U':   // SHORT_BINSTRING
    case 'C':   // SHORT_BINBYTES
    case 0x8c:  // SHORT_BINUNICODE
      push(std::string(take(take_number<uint8_t>())));
      return true;
    case 'T':  // BINSTRING
    case 'B':  // BINBYTES
    case 'X':  // BINUNICODE
      push(std::string(take(take_number<uint32_t>())));
      return true;
    case 0x8d:  // BINUNICODE8
    case 0x8e:  // BINBYTES8
      push(std::string(take(take_number<uint64_t>())));
      return true;
    default:
      return false;
  }
}

bool Machine::container(unsigned char opcode) {
  switch (opcode) {
    case ']':  // EMPTY_LIST
      push_container(PickleValue::list({}));
      return true;
    case 'l':  // LIST
      push_container(PickleValue::list(pop_to_mark()));
      return true;
    case 'a': {  // APPEND
      PickleValue item = pop();
      append({std::move(item)});
      return true;
    }
    case 'e':  // APPENDS
      append(pop_to_mark());
      return true;
    case ')':  // EMPTY_TUPLE
      push_tuple(0);
      return true;
    case 0x85:  // TUPLE1
    case 0x86:  // TUPLE2
    case 0x87:  // TUPLE3
      push_tuple(opcode - 0x84u);
      return true;
    case 't':  // TUPLE
      push_container(PickleValue::tuple(pop_to_mark()));
      return true;
    case '}':  // EMPTY_DICT
      push_container(PickleValue::dict({}));
      return true;
    case 'd': {  // DICT
      PickleValue::List pairs = pop_to_mark();
      push_container(PickleValue::dict({}));
      set_items(std::move(pairs));
      return true;
    }
    case 's': {  // SETITEM
      PickleValue value = pop();
      PickleValue key = pop();
      set_items({std::move(key), std::move(value)});
      return true;
    }
    case 'u':  // SETITEMS
      set_items(pop_to_mark());
      return true;
    default:
      return false;
  }
}

bool Machine::object(unsigned char opcode) {
  switch (opcode) {
    case 'c': {  // GLOBAL
      const std::string module = take_line();
      push(host_.global(module + "." + take_line()));
      return true;
    }
    case 0x93: {  // STACK_GLOBAL
      const PickleValue name = pop();
      push(host_.global(pop().text() + "." + name.text()));
      return true;
    }
    case 'R':     // REDUCE
    case 0x81: {  // NEWOBJ
      const PickleValue args = pop();
      const PickleValue callable = pop();
      push_container(host_.call(callable, args.items()));
      return true;
    }
    case 'b':  // BUILD: attributes of an object; nothing that a checkpoint needs
      pop();
      top();
      return true;
    case 'Q':  // BINPERSID
      push(host_.persistent(pop()));
      return true;
    default:
      return false;
  }
}

}  // namespace
PickleValue run_pickle(std::string_view program, const PickleHost& host) {
  return Machine(program, host).run();
}

}  // namespace icl
