// bodies.cpp: a small lexer: words, quoted names, literals, everything else by the character.
#include "ddl/bodies.hpp"

#include <pg_query.pb.h>

#include <algorithm>
#include <unordered_set>

namespace walbridge::ddl {

namespace {

struct Token {
    enum class Kind : std::uint8_t { word, literal, other };
    Kind kind = Kind::other;
    std::string text;
};

bool starts_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool continues_word(char c) { return starts_word(c) || (c >= '0' && c <= '9') || c == '$'; }

class Lexer {
  public:
    explicit Lexer(std::string_view text) : text_(text) {}

    std::vector<Token> tokens() {
        std::vector<Token> all;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
                ++at_;
            else if (text_.substr(at_).starts_with("--"))
                at_ = std::min(text_.find('\n', at_), text_.size());
            else if (text_.substr(at_).starts_with("/*"))
                comment();
            else if (c == '"')
                all.push_back({Token::Kind::word, quoted('"')});
            else if (c == '\'')
                all.push_back({Token::Kind::literal, quoted('\'')});
            else if (c == '$' && dollar(all))
                continue;
            else if (starts_word(c))
                all.push_back({Token::Kind::word, word()});
            else
                all.push_back({Token::Kind::other, std::string(1, text_[at_++])});
        }
        return all;
    }

  private:
    void comment() {
        int depth = 0;
        do {
            if (text_.substr(at_).starts_with("/*")) {
                ++depth;
                at_ += 2;
            } else if (text_.substr(at_).starts_with("*/")) {
                --depth;
                at_ += 2;
            } else {
                ++at_;
            }
        } while (depth > 0 && at_ < text_.size());
    }
    std::string quoted(char quote) {
        std::string inside;
        for (++at_; at_ < text_.size(); ++at_) {
            if (text_[at_] == quote) {
                if (at_ + 1 == text_.size() || text_[at_ + 1] != quote) break;
                ++at_;
            }
            inside += text_[at_];
        }
        ++at_;
        return inside;
    }
    bool dollar(std::vector<Token> &all) {
        std::size_t end = at_ + 1;
        while (end < text_.size() && continues_word(text_[end]) && text_[end] != '$') ++end;
        if (end == text_.size() || text_[end] != '$') return false;
        const std::string_view tag = text_.substr(at_, end + 1 - at_);
        const std::size_t close = text_.find(tag, end + 1);
        if (close == std::string_view::npos) return false;
        all.push_back({Token::Kind::literal, std::string(text_.substr(end + 1, close - end - 1))});
        at_ = close + tag.size();
        return true;
    }
    std::string word() {
        std::string folded;
        for (; at_ < text_.size() && continues_word(text_[at_]); ++at_)
            folded += text_[at_] >= 'A' && text_[at_] <= 'Z' ? static_cast<char>(text_[at_] + ('a' - 'A')) : text_[at_];
        return folded;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

bool is_dot(const std::vector<Token> &tokens, std::size_t at) {
    return at < tokens.size() && tokens[at].kind == Token::Kind::other && tokens[at].text == ".";
}

/// Tables with an entry of their own, by name alone: there may be thousands.
std::unordered_set<std::string_view> tables_called_otherwise(const NameMap &names) {
    std::unordered_set<std::string_view> tables;
    for (const auto &[source, target] : names.tables())
        if (source != target) tables.insert(source.name);
    return tables;
}

void find(std::string_view body, const NameMap &names, const std::unordered_set<std::string_view> &tables,
          std::vector<std::string> &found) {
    const std::vector<Token> tokens = Lexer(body).tokens();
    const bool sets_path = std::any_of(tokens.begin(), tokens.end(), [](const Token &token) {
        return token.kind == Token::Kind::word && token.text == "search_path";
    });
    const auto renamed_schema = [&](const std::string &name) { return names.schema(name) != name; };
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const Token &token = tokens[i];
        if (token.kind == Token::Kind::literal) {
            if (renamed_schema(token.text))
                found.push_back(token.text);
            else
                find(token.text, names, tables, found);
            continue;
        }
        if (token.kind != Token::Kind::word) continue;
        if (is_dot(tokens, i + 1) && i + 2 < tokens.size() && tokens[i + 2].kind == Token::Kind::word) {
            const QualifiedName name{token.text, tokens[i + 2].text};
            if (names.table(name) != name) found.push_back(to_string(name));
        } else if (renamed_schema(token.text) && (sets_path || is_dot(tokens, i + 1))) {
            found.push_back(token.text);
        }
        if (i > 0 && is_dot(tokens, i - 1)) continue;
        if (tables.contains(token.text)) found.push_back(token.text);
    }
}

} // namespace

std::vector<std::string> renamed_names_in(std::string_view body, const NameMap &names) {
    std::vector<std::string> found;
    if (!names.empty()) find(body, names, tables_called_otherwise(names), found);
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

std::vector<std::string> renamed_names_in_bodies(const pg_query::Node &statement, const NameMap &names) {
    std::vector<std::string> found;
    if (!statement.has_create_function_stmt() || names.empty()) return found;
    const auto &options = statement.create_function_stmt().options();
    const bool is_compiled = std::any_of(options.begin(), options.end(), [](const pg_query::Node &option) {
        const std::string &language = option.def_elem().arg().string().sval();
        return option.def_elem().defname() == "language" && (language == "c" || language == "internal");
    });
    if (is_compiled) return found;
    for (const auto &option : options) {
        if (option.def_elem().defname() != "as") continue;
        for (const auto &body : option.def_elem().arg().list().items()) {
            const auto more = renamed_names_in(body.string().sval(), names);
            found.insert(found.end(), more.begin(), more.end());
        }
    }
    return found;
}

} // namespace walbridge::ddl
