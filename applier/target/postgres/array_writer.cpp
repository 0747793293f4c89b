// array_writer.cpp: array header and elements in network byte order.
#include "target/postgres/array_writer.hpp"

#include "base/error.hpp"

namespace walbridge::target {
namespace {

void put32(char *at, std::uint32_t number) {
    for (int byte = 0; byte < 4; ++byte) at[byte] = static_cast<char>(number >> (24 - 8 * byte));
}

} // namespace

void ArrayWriter::append32(std::uint32_t number) {
    char bytes[4];
    put32(bytes, number);
    bytes_.append(bytes, 4);
}

void ArrayWriter::add(const Value &value) {
    ++count_;
    switch (value.kind) {
    case ValueKind::null:
        has_null_ = true;
        append32(0xFFFFFFFFu);
        return;
    case ValueKind::text:
    case ValueKind::binary:
        append32(static_cast<std::uint32_t>(value.bytes.size()));
        bytes_.append(value.bytes);
        return;
    case ValueKind::unchanged: break;
    }
    throw Error(ErrorKind::internal, "array parameter", "an unchanged value cannot be an element");
}

std::string ArrayWriter::finish() {
    put32(bytes_.data(), count_ == 0 ? 0 : 1);
    put32(bytes_.data() + 4, has_null_ ? 1 : 0);
    put32(bytes_.data() + 8, element_type_);
    put32(bytes_.data() + 12, count_);
    put32(bytes_.data() + 16, 1);
    if (count_ == 0) bytes_.resize(12);
    return std::move(bytes_);
}

} // namespace walbridge::target
