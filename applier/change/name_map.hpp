// name_map.hpp: which name an object of the source has on the target. Plain data; safe to read from many threads.
#pragma once

#include "base/qualified_name.hpp"

#include <string>
#include <string_view>
#include <unordered_map>

namespace walbridge {

/// "public.a", or "public.a (crm.b on the target)" where the target calls it otherwise.
inline std::string describe_pair(const QualifiedName &source, const QualifiedName &target) {
    return source == target ? to_string(source) : to_string(source) + " (" + to_string(target) + " on the target)";
}

/// Names that are not in the map stay as they are. A table's own entry wins over that of its schema.
class NameMap {
  public:
    void add_schema(std::string source, std::string target) {
        schemas_.insert_or_assign(std::move(source), std::move(target));
    }
    void add_table(QualifiedName source, QualifiedName target) {
        tables_.insert_or_assign(std::move(source), std::move(target));
    }

    [[nodiscard]] std::string schema(const std::string &source) const {
        const auto found = schemas_.find(source);
        return found == schemas_.end() ? source : found->second;
    }
    [[nodiscard]] QualifiedName table(const QualifiedName &source) const {
        const auto found = tables_.find(source);
        return found == tables_.end() ? QualifiedName{schema(source.schema), source.name} : found->second;
    }
    /// For people: the source's name, and the target's where it is another.
    [[nodiscard]] std::string describe(const QualifiedName &source) const {
        return describe_pair(source, table(source));
    }
    /// Nothing is renamed: text can be used as it is.
    [[nodiscard]] bool empty() const { return schemas_.empty() && tables_.empty(); }
    [[nodiscard]] const std::unordered_map<std::string, std::string> &schemas() const { return schemas_; }
    [[nodiscard]] const std::unordered_map<QualifiedName, QualifiedName> &tables() const { return tables_; }

  private:
    std::unordered_map<std::string, std::string> schemas_;
    std::unordered_map<QualifiedName, QualifiedName> tables_;
};

} // namespace walbridge
