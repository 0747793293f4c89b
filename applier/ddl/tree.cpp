// tree.cpp: the library speaks protobuf in memory; what it allocates is freed here.
#include "ddl/tree.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message.h>
#include <pg_query.h>
#include <pg_query.pb.h>

#include <memory>
#include <vector>

namespace walbridge::ddl {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

/// A long chain of || or AND is as deep as it is long; the stack of a thread holds this many levels.
constexpr int deepest = 5000;

void forget_places(Message &message) {
    walk(message, [](Message &part) {
        const auto *reflection = part.GetReflection();
        for (const char *name : {"location", "stmt_location", "stmt_len"}) {
            const FieldDescriptor *field = part.GetDescriptor()->FindFieldByName(name);
            if (field != nullptr && field->cpp_type() == FieldDescriptor::CPPTYPE_INT32)
                reflection->ClearField(&part, field);
        }
        return true;
    });
}

} // namespace

std::optional<std::string> parse(const std::string &text, pg_query::ParseResult &tree) {
    if (text.find('\0') != std::string::npos) return "the text holds a zero byte";
    struct Free {
        PgQueryProtobufParseResult result;
        ~Free() { pg_query_free_protobuf_parse_result(result); }
    } const owned{pg_query_parse_protobuf(text.c_str())};
    if (owned.result.error != nullptr) return std::string(owned.result.error->message);
    google::protobuf::io::CodedInputStream bytes(reinterpret_cast<const std::uint8_t *>(owned.result.parse_tree.data),
                                                 static_cast<int>(owned.result.parse_tree.len));
    bytes.SetRecursionLimit(deepest);
    if (!tree.ParseFromCodedStream(&bytes)) return "the statement is nested too deeply";
    return std::nullopt;
}

std::optional<std::string> deparse(const pg_query::ParseResult &tree) {
    std::string bytes = tree.SerializeAsString();
    struct Free {
        PgQueryDeparseResult result;
        ~Free() { pg_query_free_deparse_result(result); }
    } const owned{pg_query_deparse_protobuf(PgQueryProtobuf{bytes.size(), bytes.data()})};
    if (owned.result.error != nullptr || owned.result.query == nullptr) return std::nullopt;
    std::string text = owned.result.query;
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
}

bool same_statement(const pg_query::ParseResult &a, const pg_query::ParseResult &b) {
    pg_query::ParseResult left = a;
    pg_query::ParseResult right = b;
    forget_places(left);
    forget_places(right);
    left.clear_version();
    right.clear_version();
    return left.SerializeAsString() == right.SerializeAsString();
}

void walk(Message &root, const std::function<bool(Message &)> &visit) {
    if (!visit(root)) return;
    const auto *reflection = root.GetReflection();
    std::vector<const FieldDescriptor *> fields;
    reflection->ListFields(root, &fields);
    for (const FieldDescriptor *field : fields) {
        if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
        if (!field->is_repeated()) {
            walk(*reflection->MutableMessage(&root, field), visit);
            continue;
        }
        for (int i = 0; i < reflection->FieldSize(root, field); ++i)
            walk(*reflection->MutableRepeatedMessage(&root, field, i), visit);
    }
}

} // namespace walbridge::ddl
