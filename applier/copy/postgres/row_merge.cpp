// row_merge.cpp: see row_merge.hpp.
#include "copy/postgres/row_merge.hpp"

#include "dialect/postgres.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::copy::postgres {
namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;

/// A unique index, or that of an exclusion constraint.
struct Key {
    std::vector<std::string> parts, operators; ///< expressions over the table's columns; what makes two rows meet
    std::string predicate;                     ///< of a partial index
    bool immediate = true, nulls_meet = false;
    bool covered = true; ///< every column it looks at is brought
};

constexpr auto key_query = R"(
SELECT i.indexrelid::text, i.indimmediate,
       coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false),
       coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), ''),
       pg_catalog.pg_get_indexdef(i.indexrelid, k.place + 1, true),
       (SELECT 'OPERATOR(' || pg_catalog.quote_ident(n.nspname) || '.' || o.oprname || ')'
        FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
        WHERE o.oid = CASE WHEN i.indisexclusion THEN x.conexclop[k.place + 1]
                      ELSE (SELECT m.amopopr FROM pg_catalog.pg_opclass oc
                            JOIN pg_catalog.pg_amop m ON m.amopfamily = oc.opcfamily AND m.amopstrategy = 3
                                 AND m.amoplefttype = oc.opcintype AND m.amoprighttype = oc.opcintype
                            WHERE oc.oid = i.indclass[k.place]) END),
       (SELECT bool_and(a.attname::text = ANY ($2::text[])) FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = i.indrelid AND a.attnum > 0
              AND (a.attnum = ANY (i.indkey) AND pg_catalog.array_position(i.indkey, a.attnum) < i.indnkeyatts
                   OR EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.refclassid = 'pg_catalog.pg_class'::regclass
                              AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum AND i.indpred IS NOT NULL
                              AND d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid)
                   OR EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.refclassid = 'pg_catalog.pg_class'::regclass
                              AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum AND i.indexprs IS NOT NULL
                              AND (d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid
                                   OR d.classid = 'pg_catalog.pg_constraint'::regclass AND d.objid = x.oid))))
FROM pg_catalog.pg_index i
LEFT JOIN pg_catalog.pg_constraint x ON x.conindid = i.indexrelid AND x.conrelid = i.indrelid AND x.contype IN ('p', 'u', 'x')
CROSS JOIN LATERAL pg_catalog.generate_series(0, i.indnkeyatts - 1) AS k (place)
WHERE i.indrelid = $1::oid AND (i.indisunique OR i.indisexclusion) AND i.indisready
ORDER BY i.indexrelid, k.place
)";

std::string text_array(const std::vector<std::string> &texts) {
    std::string list;
    for (const auto &text : texts) {
        list += list.empty() ? "{\"" : ",\"";
        for (const char c : text) {
            if (c == '"' || c == '\\') list += '\\';
            list += c;
        }
        list += '"';
    }
    return list.empty() ? "{}" : list + "}";
}

std::vector<Key> read_keys(pg::Session &target, const Merge &merge) {
    const auto rows = target.query(key_query, {std::to_string(merge.table.oid), text_array(merge.columns)});
    std::vector<Key> keys;
    std::string last;
    for (int row = 0; row < rows.rows(); ++row) {
        if (rows.get(row, 0) != last) {
            auto &key = keys.emplace_back();
            key.immediate = rows.flag(row, 1);
            key.nulls_meet = rows.flag(row, 2);
            key.predicate = rows.text(row, 3);
            key.covered = rows.null(row, 6) || rows.flag(row, 6); // an expression over nothing is one value
            last = rows.text(row, 0);
        }
        keys.back().parts.push_back(rows.text(row, 4));
        keys.back().operators.push_back(rows.text(row, 5));
    }
    return keys;
}

/// What the key makes of the rows of a table: k0, k1 ... behind `columns`.
std::string projected(const Key &key, const std::string &columns, const std::string &from) {
    std::string list = columns;
    for (std::size_t part = 0; part < key.parts.size(); ++part)
        list += fmt::format("{}({}) AS k{}", list.empty() ? "" : ", ", key.parts[part], part);
    return fmt::format("(SELECT {} FROM {}{})", list, from, key.predicate.empty() ? "" : " WHERE " + key.predicate);
}

/// Whether rows t and s meet.
std::string meeting(const Key &key) {
    std::string text;
    for (std::size_t part = 0; part < key.parts.size(); ++part) {
        const auto equal = fmt::format("t.k{0} {1} s.k{0}", part, key.operators[part]);
        text += text.empty() ? "" : " AND ";
        text += key.nulls_meet ? fmt::format("({} OR (t.k{} IS NULL AND s.k{} IS NULL))", equal, part, part) : equal;
    }
    return text;
}

std::uint64_t affected(pg::Session &target, const std::string &sql) {
    return static_cast<std::uint64_t>(target.query(sql).affected());
}

class Merger {
  public:
    Merger(pg::Session &target, const Merge &merge)
        : target_(target), merge_(merge), into_(quote(merge.table.name)),
          from_((merge.table.kind == 'p' ? "" : "ONLY ") + into_), list_(dialect::postgres::quote_list(merge.columns)),
          keys_(read_keys(target, merge)), immediate_(std::ranges::all_of(keys_, &Key::immediate)) {
        std::erase_if(keys_, [](const Key &key) { return !key.covered; });
    }

    /// `staged` rows wait in the temporary table.
    void run(std::uint64_t staged, Counts &counts) {
        if (merge_.overwrite) {
            for (const auto &key : keys_) counts.overwritten += remove_from_table(key);
            return prove(insert(""), staged);
        }
        // ON CONFLICT cannot look at deferrable constraints, which nobody checks in our sessions either.
        if (immediate_) {
            counts.kept = staged - insert(" ON CONFLICT DO NOTHING");
            return;
        }
        for (const auto &key : keys_) counts.kept += remove_from_staging(key);
        prove(insert(""), staged - counts.kept);
    }

  private:
    std::uint64_t insert(const char *on_conflict) {
        return affected(target_, fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}{}", into_,
                                             list_, list_, quote(staging_name()), on_conflict));
    }
    std::uint64_t remove_from_table(const Key &key) {
        return affected(target_,
                        fmt::format("DELETE FROM {0} d USING (SELECT t.place_table, t.place FROM {1} t JOIN {2} s "
                                    "ON {3}) w WHERE d.tableoid = w.place_table AND d.ctid = w.place",
                                    from_, projected(key, "tableoid AS place_table, ctid AS place", from_),
                                    projected(key, "", quote(staging_name())), meeting(key)));
    }
    std::uint64_t remove_from_staging(const Key &key) {
        return affected(target_,
                        fmt::format("DELETE FROM {0} WHERE ctid IN (SELECT s.place FROM {1} s JOIN {2} t ON {3})",
                                    quote(staging_name()), projected(key, "ctid AS place", quote(staging_name())),
                                    projected(key, "", from_), meeting(key)));
    }
    void prove(std::uint64_t inserted, std::uint64_t wanted) const {
        if (inserted == wanted) return;
        throw Error(
            ErrorKind::copy_stage, merge_.leg.table,
            fmt::format("{} rows were to be inserted and {} arrived", wanted, inserted),
            "Look for triggers ENABLE ALWAYS or REPLICA and for rules on the target's table that leave rows out.");
    }

    pg::Session &target_;
    const Merge &merge_;
    const std::string into_, from_, list_;
    std::vector<Key> keys_; ///< that rows can be compared by
    const bool immediate_;  ///< of the table's keys none is deferrable
};

void create_staging(pg::Session &target, const Merge &merge) {
    try {
        target.execute(fmt::format("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM ONLY {} LIMIT 0",
                                   quote_identifier(staging_name().name), dialect::postgres::quote_list(merge.columns),
                                   quote(merge.table.name)));
    } catch (const SqlError &error) {
        if (error.sqlstate() != "42501") throw;
        throw Error(
            ErrorKind::permission, merge.leg.table,
            "rows that meet others on the target go through a temporary table: " + error.reason(),
            fmt::format("GRANT TEMPORARY ON DATABASE {} TO the task's role on the target, and SELECT on the table.",
                        quote_identifier(PQdb(target.raw()))));
    }
    if (!merge.role.empty())
        target.execute(fmt::format("GRANT ALL ON {} TO {}", quote(staging_name()), quote_identifier(merge.role)));
}

} // namespace

const QualifiedName &staging_name() {
    static const QualifiedName name{"pg_temp", "walbridge_merge"};
    return name;
}

Counts merge_rows(pg::Session &source, pg::Session &target, const Merge &merge, const CopyWatch &watch,
                  const std::function<void(const std::function<void()> &)> &as_owner) {
    create_staging(target, merge);
    Counts counts;
    // Values of domains are checked on their way in: by the owner's rights as well.
    as_owner([&] { counts = stream_rows(source, target, {merge.leg}, watch).front(); });
    target.execute("ANALYZE " + quote(staging_name()));
    as_owner([&] { Merger(target, merge).run(counts.rows, counts); });
    target.execute("DROP TABLE " + quote(staging_name()));
    return counts;
}

} // namespace walbridge::copy::postgres
