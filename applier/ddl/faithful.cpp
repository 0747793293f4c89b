// faithful.cpp: the library's writer knows most forms, not all, and a few it writes wrongly (LIKE INCLUDING ALL
// EXCLUDING
// ..., BEGIN ATOMIC). For those the two trees are walked side by side; where names differ, the original text holds the
// old one at a place that the tree knows, or nowhere else.
#include "ddl/faithful.hpp"

#include "ddl/identifiers.hpp"
#include "ddl/name_place.hpp"
#include "ddl/tree.hpp"

#include <google/protobuf/message.h>
#include <pg_query.h>
#include <pg_query.pb.h>

#include <algorithm>
#include <vector>

namespace walbridge::ddl {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool gives(const std::string &text, const pg_query::ParseResult &wanted) {
    pg_query::ParseResult again;
    return !parse(text, again) && same_statement(again, wanted);
}

/// Names that stand together in the text, before and after.
struct Edit {
    std::vector<std::string> from, to;
    int location = -1; ///< of the statement part that they are in; -1 = unknown
    std::string alias; ///< to be added behind
};

class Comparer {
  public:
    std::vector<Edit> edits;
    bool comparable = true;

    void compare(const Message &from, const Message &to, int location) {
        const auto *reflection = from.GetReflection();
        if (const FieldDescriptor *place = from.GetDescriptor()->FindFieldByName("location"))
            location = reflection->GetInt32(from, place);
        if (const auto *range = dynamic_cast<const pg_query::RangeVar *>(&from))
            return compare_ranges(*range, static_cast<const pg_query::RangeVar &>(to));
        for (int i = 0; i < from.GetDescriptor()->field_count(); ++i) {
            const FieldDescriptor &field = *from.GetDescriptor()->field(i);
            if (field.is_repeated())
                compare_lists(from, to, field, location);
            else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
                compare_messages(from, to, field, location);
            else if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
                const std::string before = reflection->GetString(from, &field);
                const std::string after = reflection->GetString(to, &field);
                if (before != after) edit({before}, {after}, location);
            }
        }
    }

  private:
    void edit(std::vector<std::string> from, std::vector<std::string> to, int location) {
        if (from.empty() || from.front().empty() || to.empty())
            comparable = false;
        else
            edits.push_back({std::move(from), std::move(to), location, {}});
    }
    void compare_ranges(const pg_query::RangeVar &from, const pg_query::RangeVar &to) {
        std::vector<std::string> before, after;
        if (!from.schemaname().empty()) before.push_back(from.schemaname());
        before.push_back(from.relname());
        if (!to.schemaname().empty()) after.push_back(to.schemaname());
        after.push_back(to.relname());
        const bool alias_added = to.has_alias() && !from.has_alias();
        if (before == after && !alias_added) return;
        edits.push_back({before, after, from.location(), alias_added ? to.alias().aliasname() : std::string()});
    }
    void compare_messages(const Message &from, const Message &to, const FieldDescriptor &field, int location) {
        const auto *reflection = from.GetReflection();
        const bool has = reflection->HasField(from, &field);
        if (has != reflection->HasField(to, &field)) {
            comparable = false;
            return;
        }
        if (has) compare(reflection->GetMessage(from, &field), reflection->GetMessage(to, &field), location);
    }
    static std::vector<std::string> names(const Message &message, const FieldDescriptor &field) {
        const auto *reflection = message.GetReflection();
        std::vector<std::string> all;
        for (int i = 0; i < reflection->FieldSize(message, &field); ++i) {
            const auto *node =
                dynamic_cast<const pg_query::Node *>(&reflection->GetRepeatedMessage(message, &field, i));
            if (node == nullptr || !node->has_string()) return {};
            all.push_back(node->string().sval());
        }
        return all;
    }
    void compare_lists(const Message &from, const Message &to, const FieldDescriptor &field, int location) {
        if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return;
        const auto *reflection = from.GetReflection();
        const auto before = names(from, field);
        const auto after = names(to, field);
        if (!before.empty() && !after.empty()) {
            if (before != after) edit(before, after, location);
            return;
        }
        const int size = reflection->FieldSize(from, &field);
        if (size != reflection->FieldSize(to, &field)) {
            comparable = false;
            return;
        }
        for (int i = 0; i < size; ++i)
            compare(reflection->GetRepeatedMessage(from, &field, i), reflection->GetRepeatedMessage(to, &field, i),
                    location);
    }
};

struct Word {
    std::size_t start, end;
    std::string name; ///< as an identifier; empty for other tokens
};

std::vector<Word> words_of(const std::string &text) {
    struct Free {
        PgQueryScanResult result;
        ~Free() { pg_query_free_scan_result(result); }
    } const owned{pg_query_scan(text.c_str())};
    std::vector<Word> words;
    pg_query::ScanResult scanned;
    if (owned.result.error != nullptr ||
        !scanned.ParseFromArray(owned.result.pbuf.data, static_cast<int>(owned.result.pbuf.len)))
        return words;
    for (const auto &token : scanned.tokens()) {
        const auto start = static_cast<std::size_t>(token.start());
        const auto end = static_cast<std::size_t>(token.end());
        const auto name = split_identifiers(std::string_view(text).substr(start, end - start), '.');
        words.push_back({start, end, name && name->size() == 1 ? name->front() : std::string()});
    }
    return words;
}

/// Whether the names stand at word `at`, with dots between them.
bool stands_at(const std::vector<Word> &words, const std::string &text, std::size_t at,
               const std::vector<std::string> &names) {
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::size_t word = at + 2 * i;
        if (word >= words.size() || words[word].name != names[i]) return false;
        if (i > 0 && text.substr(words[word - 1].start, words[word - 1].end - words[word - 1].start) != ".")
            return false;
    }
    return true;
}

std::optional<std::string> with_edits(const std::string &text, const std::vector<Edit> &edits) {
    const std::vector<Word> words = words_of(text);
    struct Replacement {
        std::size_t start, end;
        std::string with;
    };
    std::vector<Replacement> replacements;
    const auto is_taken = [&](std::size_t start) {
        return std::any_of(replacements.begin(), replacements.end(),
                           [&](const Replacement &r) { return start >= r.start && start < r.end; });
    };
    // Those whose place is known first.
    for (const bool known : {true, false}) {
        for (const Edit &edit : edits) {
            bool done = false;
            for (std::size_t i = 0; i < words.size() && !done; ++i) {
                const bool here = edit.location >= 0 && words[i].start == static_cast<std::size_t>(edit.location);
                if (known != here && known) continue;
                if (!known && std::any_of(words.begin(), words.end(), [&](const Word &word) {
                        return edit.location >= 0 && word.start == static_cast<std::size_t>(edit.location) &&
                               stands_at(words, text, static_cast<std::size_t>(&word - words.data()), edit.from);
                    }))
                    break; // done in the first round
                if (is_taken(words[i].start) || !stands_at(words, text, i, edit.from)) continue;
                std::string with = join_identifiers(edit.to, ".");
                if (!edit.alias.empty()) with += " AS " + join_identifiers({edit.alias}, ".");
                replacements.push_back({words[i].start, words[i + 2 * (edit.from.size() - 1)].end, with});
                done = true;
            }
        }
    }
    if (replacements.size() != edits.size()) return std::nullopt;
    std::sort(replacements.begin(), replacements.end(),
              [](const Replacement &a, const Replacement &b) { return a.start > b.start; });
    std::string result = text;
    for (const Replacement &replacement : replacements)
        result.replace(replacement.start, replacement.end - replacement.start, replacement.with);
    return result;
}

/// The library writes names of constraints without the quotes that they need: others stand in for them.
std::optional<std::string> written(const pg_query::ParseResult &wanted) {
    pg_query::ParseResult tree = wanted;
    std::vector<std::pair<std::string, std::string>> names; // what stands in, and for what
    walk(tree, [&](Message &part) {
        auto *constraint = dynamic_cast<pg_query::Constraint *>(&part);
        if (constraint == nullptr || constraint->conname().empty()) return true;
        const auto quoted = join_identifiers({constraint->conname()}, ".");
        if (quoted == constraint->conname()) return true;
        names.emplace_back("walbridge_name_" + std::to_string(names.size()) + "_", quoted);
        constraint->set_conname(names.back().first);
        return true;
    });
    auto text = deparse(tree);
    if (!text) return text;
    for (const auto &[name, quoted] : names)
        if (const auto at = text->find(name); at != std::string::npos) text->replace(at, name.size(), quoted);
    return text;
}

} // namespace

std::optional<std::string> faithful_text(const pg_query::ParseResult &wanted) {
    auto text = written(wanted);
    if (!text) return text;
    if (gives(*text, wanted)) return text;
    // libpg_query 15 forgets a blank in two places.
    for (const std::string word : {"TABLESPACE", "FINALIZE"}) {
        std::string mended = *text;
        if (const std::size_t at = mended.rfind(word); at != std::string::npos) mended.insert(at, " ");
        if (gives(mended, wanted)) return mended;
    }
    return std::nullopt;
}

std::optional<std::string> faithful_text(const pg_query::ParseResult &wanted, const pg_query::ParseResult &original,
                                         const std::string &original_text) {
    if (auto text = faithful_text(wanted)) return text;
    Comparer comparer;
    comparer.compare(original, wanted, -1);
    if (!comparer.comparable) return std::nullopt;
    auto text = with_edits(original_text, comparer.edits);
    if (text && gives(*text, wanted)) return text;
    return std::nullopt;
}

} // namespace walbridge::ddl
