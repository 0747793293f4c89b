// definition_step.cpp: definitions first, then what was dropped, then types that columns hold as text.
#include "apply/definition_step.hpp"

#include "ddl/mysql/schema_rename.hpp"
#include "schema/mysql/definition_json.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <utility>

namespace walbridge::apply {
namespace {

using schema::mysql::SourceTable;

/// Names of constraints, which are unique in a database, by database.
std::set<std::pair<std::string, std::string>> constraints_of(const SourceTable &table) {
    std::set<std::pair<std::string, std::string>> names;
    for (const auto &constraint : table.constraints) {
        auto name = constraint.name;
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        names.emplace(table.target.schema, std::move(name));
    }
    return names;
}

bool makes_tables(const std::string &tag) {
    return tag.starts_with("CREATE") || tag == "SELECT INTO" || tag.starts_with("IMPORT");
}

bool equal_but_for_name(schema::mysql::SourceIndex a, const schema::mysql::SourceIndex &b) {
    a.name = b.name;
    return a == b;
}

/// A definition shows what its own transaction sees. What another one made beside it, and committed first, is part of
/// the table all the same: statements that do not lock each other out make indexes (and name them), and labels of enums
/// come while a table that uses them is altered.
void keep_unseen(const DdlStatement &statement, const SourceTable &known, SourceTable &told) {
    const auto by_name = [](const auto &list, const std::string &name) {
        return std::ranges::find_if(list, [&](const auto &entry) { return entry.name == name; });
    };
    const bool beside_others =
        statement.tag == "CREATE INDEX" || statement.tag == "ALTER INDEX" || statement.tag == "COMMENT";
    for (const auto &index : known.indexes) {
        if (!beside_others || by_name(told.indexes, index.name) != told.indexes.end()) continue;
        const bool renamed = std::ranges::any_of(told.indexes, [&](const auto &other) {
            return by_name(known.indexes, other.name) == known.indexes.end() && equal_but_for_name(other, index);
        });
        if (!(renamed && statement.tag == "ALTER INDEX")) told.indexes.push_back(index);
    }
    for (auto &column : told.columns) {
        const auto *before = known.column(column.number);
        auto &labels = column.type.enum_labels;
        if (before == nullptr || before->type.oid != column.type.oid || statement.tag == "ALTER TYPE" ||
            before->type.enum_labels.size() <= labels.size())
            continue;
        const auto &more = before->type.enum_labels;
        if (std::ranges::all_of(labels,
                                [&](const auto &label) { return std::ranges::find(more, label) != more.end(); }))
            labels = more;
    }
}

class Stepper {
  public:
    Stepper(const DefinitionModel &before, const DdlStatement &statement, const DefinitionRules &rules)
        : statement_(statement), rules_(rules), step_{before, before, {}, {}, {}, {}, {}, {}} {}

    DefinitionStep take() {
        if (!statement_.definitions.empty())
            for (auto &table : schema::mysql::tables_from_json(statement_.definitions, rules_.names)) {
                told_.insert(table.oid);
                take_definition(std::move(table));
            }
        for (const auto &dropped : statement_.dropped)
            if (dropped.class_name == "pg_class" && dropped.sub == 0 && !rules_.copied(dropped.oid)) take_drop(dropped);
        take_composites();
        if (statement_.tag == "ALTER SCHEMA" && statement_.phase == DdlStatement::Phase::end) take_schema_rename();
        const auto rewritten = statement_.rewritten_oid;
        if (statement_.phase == DdlStatement::Phase::rewrite && step_.after.contains(rewritten) &&
            !rules_.copied(rewritten)) {
            step_.emptied.insert(rewritten);
            step_.touched.insert(rewritten);
        }
        return std::move(step_);
    }

  private:
    [[nodiscard]] bool selected(const QualifiedName &name) const {
        return rules_.selection.matches(name.schema, name.name);
    }

    void take_definition(SourceTable table) {
        const auto oid = table.oid;
        if (rules_.leaves_out(table.name)) return;
        if (oid != 0 && rules_.copied(oid)) return; // under a snapshot that shows it, and more
        if (oid != 0) adopt(table);
        const auto known = step_.after.find(oid);
        step_.touched.insert(oid);
        if (!selected(table.name)) {
            if (known == step_.after.end()) {
                step_.touched.erase(oid);
                return;
            }
            step_.left.insert(oid);
            step_.after.erase(known);
            return;
        }
        if (known == step_.after.end())
            meet(table);
        else
            keep_unseen(statement_, known->second, table);
        step_.after.insert_or_assign(oid, std::move(table));
    }

    /// A table that CREATE TABLE AS has announced under no OID has one now.
    void adopt(const SourceTable &table) {
        const auto announced = step_.after.find(0);
        if (announced == step_.after.end() || announced->second.name != table.name) return;
        for (auto *model : {&step_.before, &step_.after}) {
            auto entry = std::move(model->at(0));
            entry.oid = table.oid;
            model->erase(0);
            model->insert_or_assign(table.oid, std::move(entry));
        }
        step_.touched.insert(0);
        step_.created.insert(table.oid);
    }

    /// A table that is not known yet.
    void meet(const SourceTable &table) {
        if (statement_.before && statement_.before_oid == table.oid && !selected(*statement_.before))
            step_.copies.emplace(table.oid, "it was renamed into the selection");
        else if (table.oid == 0 || makes_tables(statement_.tag))
            step_.created.insert(table.oid);
        else
            step_.unknown =
                fmt::format("how table {} was before the statement is not known: an earlier statement about "
                            "it was not followed",
                            to_string(table.name));
    }

    void take_drop(const DdlDropped &dropped) {
        if (dropped.type != "index") {
            const auto table = step_.after.find(dropped.oid);
            if (table == step_.after.end() || rules_.leaves_out(table->second.name)) return;
            step_.touched.insert(dropped.oid);
            step_.after.erase(table);
            return;
        }
        for (auto &[oid, table] : step_.after) {
            if (table.name.schema != dropped.schema || told_.contains(oid) || rules_.leaves_out(table.name)) continue;
            if (std::erase_if(table.indexes, [&](const auto &index) { return index.name == dropped.name; }) != 0)
                step_.touched.insert(oid);
        }
    }

    /// Values of composite types are text on the target, which changes with the type's attributes, in rows that the
    /// source does not touch.
    void take_composites() {
        for (const auto &object : statement_.objects) {
            if (object.class_name != "pg_class" || object.type != "composite type") continue;
            for (const auto &[oid, table] : step_.after) {
                const bool uses = std::ranges::any_of(table.columns, [&](const auto &column) {
                    return (column.type.kind == 'c' && column.type.name == object.name) ||
                           (column.type.kind == 'a' && column.type.element_name == object.name);
                });
                if (!uses || table.kind != 'r' || rules_.copied(oid)) continue;
                step_.copies.emplace(oid, "the composite type " + object.identity + " was changed");
                step_.touched.insert(oid);
            }
        }
    }

    /// Its message names no table.
    void take_schema_rename() {
        const auto rename = ddl::mysql::schema_rename(statement_.text);
        if (!rename) return;
        Oids moved;
        for (auto &[oid, table] : step_.after) {
            if (table.name.schema != rename->from || rules_.copied(oid)) continue;
            table.name.schema = rename->to;
            table.target = rules_.names.table(table.name);
            moved.insert(oid);
        }
        for (const auto oid : moved) {
            step_.touched.insert(oid);
            if (selected(step_.after.at(oid).name)) continue;
            step_.left.insert(oid);
            step_.after.erase(oid);
        }
    }

    const DdlStatement &statement_;
    const DefinitionRules &rules_;
    DefinitionStep step_;
    Oids told_;
};

} // namespace

DefinitionStep definition_step(const DefinitionModel &before, const DdlStatement &statement,
                               const DefinitionRules &rules) {
    return Stepper(before, statement, rules).take();
}

/// An index may be one of a materialized view: it proves nothing.
bool says_too_little(const DdlStatement &statement, const wire::ObjectSelection &selection) {
    if (!statement.definitions.empty() || statement.phase != DdlStatement::Phase::end) return false;
    return std::ranges::any_of(statement.objects, [&](const DdlObject &object) {
        return object.class_name == "pg_class" && object.type == "table" && object.persistence == 'p' &&
               selection.matches(object.schema, object.name);
    });
}

Oids related(const DefinitionModel &before, const DefinitionModel &after, const Oids &touched) {
    std::map<std::uint32_t, Oids> neighbours;
    for (const auto *model : {&before, &after})
        for (const auto &[oid, table] : *model)
            for (const auto &constraint : table.constraints)
                if (constraint.type == 'f') {
                    neighbours[oid].insert(constraint.foreign_table);
                    neighbours[constraint.foreign_table].insert(oid);
                }
    auto chosen = touched;
    for (std::vector<std::uint32_t> open(touched.begin(), touched.end()); !open.empty();) {
        const auto oid = open.back();
        open.pop_back();
        for (const auto next : neighbours[oid])
            if (chosen.insert(next).second) open.push_back(next);
    }
    std::set<std::pair<std::string, std::string>> names;
    for (const auto oid : touched)
        if (const auto table = after.find(oid); table != after.end()) names.merge(constraints_of(table->second));
    if (names.empty()) return chosen;
    for (const auto &[oid, table] : after)
        if (!chosen.contains(oid) &&
            std::ranges::any_of(constraints_of(table), [&](const auto &name) { return names.contains(name); }))
            chosen.insert(oid);
    return chosen;
}

} // namespace walbridge::apply
