// object_selection.hpp: which tables a task replicates, by include and exclude patterns. The plugin and the applier
// decide with the same code.
//
// A pattern is schema.table. In each part * stands for any characters and ? for one; a part in double quotes is literal
// ("" is one quote), so "My Table".* and public."a.b" work. Letters are compared as they are: nothing is folded to
// lower case.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace walbridge::wire {

// The text is not a list of patterns; what() names the pattern and what is wrong with it.
class PatternError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class ObjectPattern {
  public:
    // Parses exactly one pattern. Throws PatternError.
    explicit ObjectPattern(std::string_view text);
    bool matches(std::string_view schema, std::string_view table) const;
    // Some table of the schema can match.
    bool touches_schema(std::string_view schema) const { return schema_.matches(schema); }

  private:
    friend std::vector<ObjectPattern> parse_patterns(std::string_view text);
    struct Part {
        std::string text;
        bool literal = false;
        bool matches(std::string_view name) const;
    };
    ObjectPattern() = default;
    static ObjectPattern parse(std::string_view text, std::size_t &position);
    static Part parse_part(std::string_view text, std::size_t &position);

    Part schema_;
    Part table_;
};

// Comma-separated patterns, blanks around them allowed: the form of the plugin options `include` and `exclude`. An
// empty text is an empty list. Throws PatternError.
std::vector<ObjectPattern> parse_patterns(std::string_view text);

// The inverse, from separate patterns to the option's text. Throws PatternError when one of them is not exactly one
// pattern.
std::string join_patterns(const std::vector<std::string> &patterns);

// Matches text with * and ? against a name; both UTF-8, ? is one character. Also used for names of replication origins.
bool wildcard_match(std::string_view pattern, std::string_view name);

// A table is selected when an include pattern matches it (no include patterns: every table) and no exclude pattern
// does.
class ObjectSelection {
  public:
    ObjectSelection() = default;
    ObjectSelection(std::vector<ObjectPattern> include, std::vector<ObjectPattern> exclude)
        : include_(std::move(include)), exclude_(std::move(exclude)) {}
    ObjectSelection(const std::vector<std::string> &include, const std::vector<std::string> &exclude);
    bool matches(std::string_view schema, std::string_view table) const;
    // Every table of the schema is selected, but for those that an exclude pattern names.
    bool covers_schema(std::string_view schema) const;
    // Some table of the schema may be selected.
    bool touches_schema(std::string_view schema) const;

  private:
    std::vector<ObjectPattern> include_;
    std::vector<ObjectPattern> exclude_;
};

} // namespace walbridge::wire
