// dump_parser.cpp: a small SQL scanner that knows just enough to tell pg_dump's own lines from the text of definitions.
#include "schema/dump_parser.hpp"

#include <cctype>
#include <charconv>
#include <optional>

namespace walbridge::schema {
namespace {

bool identifier_start(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}
bool identifier_part(char c) { return identifier_start(c) || std::isdigit(static_cast<unsigned char>(c)) != 0; }

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
    return text;
}

/// Takes `prefix` and a number from the front of `text`.
std::optional<std::uint32_t> number_after(std::string_view &text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return std::nullopt;
    std::uint32_t number = 0;
    const char *begin = text.data() + prefix.size();
    const auto [end, error] = std::from_chars(begin, text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text) {}

    std::vector<DumpEntry> parse() {
        for (std::size_t at = 0; at < text_.size();) {
            if (at == 0 || text_[at - 1] == '\n') {
                const auto end = std::min(text_.find('\n', at), text_.size());
                if (own_line(text_.substr(at, end - at))) {
                    at = std::min(end + 1, text_.size());
                    continue;
                }
            }
            const auto end = token_end(text_, at);
            statement_.append(text_.substr(at, end - at));
            at = end;
        }
        finish();
        return std::move(entries_);
    }

  private:
    /// True when the line is pg_dump's, not part of a statement.
    bool own_line(std::string_view line) {
        if (line.starts_with('\\')) return true;
        if (line.starts_with("--")) {
            header(line);
            return true;
        }
        if (!between_statements() || !line.ends_with(';')) return false;
        // Around grants that somebody else than the owner gave: ours come from the owner.
        if (line == "RESET SESSION AUTHORIZATION;") return true;
        if (!line.starts_with("SET ")) return false;
        constexpr std::string_view method = "SET default_table_access_method = ";
        if (line.starts_with(method)) access_method_ = line.substr(method.size(), line.size() - method.size() - 1);
        return true;
    }

    bool between_statements() const {
        const auto so_far = trimmed(statement_);
        return so_far.empty() || so_far.back() == ';';
    }

    void header(std::string_view line) {
        if (line.starts_with("-- TOC entry ")) {
            auto rest = line;
            const auto number = number_after(rest, "-- TOC entry ");
            const auto catalog = number ? number_after(rest, " (class ") : std::nullopt;
            const auto oid = catalog ? number_after(rest, " OID ") : std::nullopt;
            if (!oid || rest != ")") return;
            finish();
            open_.emplace();
            open_->number = static_cast<int>(*number);
            open_->id = {*catalog, *oid};
            open_method_ = access_method_;
        } else if (open_ && trimmed(statement_).empty()) {
            if (line.starts_with("-- Dependencies:"))
                dependencies(line.substr(16));
            else if (line.starts_with("-- Name: "))
                name(line.substr(9));
        }
    }

    void dependencies(std::string_view list) {
        while (const auto number = number_after(list, " ")) open_->dependencies.push_back(static_cast<int>(*number));
    }

    /// "NAME; Type: TYPE; Schema: SCHEMA; Owner: ..." : a name may hold anything, so the parts are sought from the end.
    void name(std::string_view line) {
        const auto cut = [&](std::string_view label) -> std::string {
            const auto found = line.rfind(label);
            if (found == std::string_view::npos) return {};
            auto value = std::string(line.substr(found + label.size()));
            line = line.substr(0, found);
            return value;
        };
        cut("; Owner:");
        open_->schema = cut("; Schema: ");
        if (open_->schema == "-") open_->schema.clear();
        open_->type = cut("; Type: ");
        open_->name = line;
    }

    void finish() {
        if (open_) {
            open_->statement = trimmed(statement_);
            const bool stored = open_->type == "TABLE" || open_->type == "MATERIALIZED VIEW";
            if (stored && !open_method_.empty() && open_method_ != "heap")
                open_->statement = "SET default_table_access_method = " + open_method_ + ";\n" + open_->statement +
                                   "\nSET default_table_access_method = heap;";
            if (!open_->statement.empty()) entries_.push_back(std::move(*open_));
            open_.reset();
        }
        statement_.clear();
    }

    std::string_view text_;
    std::vector<DumpEntry> entries_;
    std::optional<DumpEntry> open_;
    std::string statement_;
    std::string access_method_, open_method_; ///< in force now, and where the open entry began
};

} // namespace

std::size_t token_end(std::string_view text, std::size_t at) {
    const auto closing = [&](std::string_view end, std::size_t from) {
        const auto found = text.find(end, from);
        return found == std::string_view::npos ? text.size() : found + end.size();
    };
    switch (text[at]) {
    case '"': return closing("\"", at + 1); // a doubled quote is the start of a next quoted text: the same to us
    case '\'': {
        const bool escapes =
            at > 0 && (text[at - 1] == 'E' || text[at - 1] == 'e') && (at < 2 || !identifier_part(text[at - 2]));
        if (!escapes) return closing("'", at + 1);
        for (auto i = at + 1; i < text.size(); ++i) {
            if (text[i] == '\\')
                ++i;
            else if (text[i] == '\'') {
                if (i + 1 < text.size() && text[i + 1] == '\'')
                    ++i;
                else
                    return i + 1;
            }
        }
        return text.size();
    }
    case '$': {
        if (at > 0 && identifier_part(text[at - 1])) return at + 1;
        auto end = at + 1;
        while (end < text.size() && (end == at + 1 ? identifier_start(text[end]) : identifier_part(text[end]))) ++end;
        if (end >= text.size() || text[end] != '$') return at + 1;
        return closing(text.substr(at, end + 1 - at), end + 1);
    }
    case '-':
        if (!text.substr(at).starts_with("--")) return at + 1;
        return std::min(text.find('\n', at), text.size());
    case '/': {
        if (!text.substr(at).starts_with("/*")) return at + 1;
        auto i = at + 2;
        for (int depth = 1; depth > 0 && i < text.size();) {
            if (text.substr(i).starts_with("/*"))
                ++depth, i += 2;
            else if (text.substr(i).starts_with("*/"))
                --depth, i += 2;
            else
                ++i;
        }
        return i;
    }
    default: return at + 1;
    }
}

std::vector<DumpEntry> parse_dump(std::string_view dump) { return Parser(dump).parse(); }

} // namespace walbridge::schema
