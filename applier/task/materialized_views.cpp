// materialized_views.cpp: the order from pg_rewrite and pg_depend, then one REFRESH after the other.
#include "task/materialized_views.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"
#include "task/target_selection.hpp"

#include <fmt/format.h>
#include <functional>
#include <map>
#include <set>

namespace walbridge::task {
namespace {

struct View {
    QualifiedName name;
    bool materialized = false, populated = false;
    std::set<long long> made_of; ///< relations of any kind, by oid
};

std::map<long long, View> read_views(pg::Session &session) {
    std::map<long long, View> views;
    const auto rows = session.query(
        "SELECT c.oid, n.nspname, c.relname, c.relkind = 'm', c.relispopulated FROM pg_catalog.pg_class c JOIN "
        "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('m', 'v') AND c.oid >= 16384");
    for (int row = 0; row < rows.rows(); ++row)
        views[rows.number(row, 0)] = {{rows.text(row, 1), rows.text(row, 2)}, rows.flag(row, 3), rows.flag(row, 4), {}};
    const auto uses = session.query(
        "SELECT DISTINCT r.ev_class, d.refobjid FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_depend d ON d.classid "
        "= 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass "
        "WHERE d.refobjid <> r.ev_class AND r.ev_class >= 16384");
    for (int row = 0; row < uses.rows(); ++row)
        if (const auto view = views.find(uses.number(row, 0)); view != views.end())
            view->second.made_of.insert(uses.number(row, 1));
    return views;
}

/// Every view behind those it is made of, else by name.
std::vector<long long> in_order(const std::map<long long, View> &views) {
    std::map<QualifiedName, long long> by_name;
    for (const auto &[oid, view] : views) by_name.emplace(view.name, oid);
    std::vector<long long> order;
    std::set<long long> seen;
    const std::function<void(long long)> visit = [&](long long oid) {
        const auto view = views.find(oid);
        if (view == views.end() || !seen.insert(oid).second) return;
        for (const auto other : view->second.made_of) visit(other);
        order.push_back(oid);
    };
    for (const auto &[name, oid] : by_name) visit(oid);
    return order;
}

/// By their names on the target.
std::set<QualifiedName> populated_on(pg::Session &source, const TaskConfig &config) {
    std::set<QualifiedName> names;
    const auto rows =
        source.query("SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace "
                     "n ON n.oid = c.relnamespace WHERE c.relkind = 'm' AND c.relispopulated");
    for (int row = 0; row < rows.rows(); ++row)
        names.insert(config.names.table({rows.text(row, 0), rows.text(row, 1)}));
    return names;
}

} // namespace

RefreshReport refresh_materialized_views(pg::Session &source, pg::Session &target, const TaskConfig &config) {
    const auto views = read_views(target);
    const auto populated = populated_on(source, config);
    const TargetSelection selection(config);
    RefreshReport report;
    std::map<long long, QualifiedName> stale; // view -> the one whose refresh failed and that it is made of
    for (const auto oid : in_order(views)) {
        const auto &view = views.at(oid);
        for (const auto other : view.made_of)
            if (const auto found = stale.find(other); found != stale.end()) stale.emplace(oid, found->second);
        if (!view.materialized || !selection.matches(view.name)) continue;
        if (!view.populated && !populated.contains(view.name)) {
            report.left.push_back(to_string(view.name));
            continue;
        }
        const auto statement = fmt::format("REFRESH MATERIALIZED VIEW {};", dialect::postgres::quote(view.name));
        if (const auto found = stale.find(oid); found != stale.end()) {
            report.failed.push_back({to_string(view.name),
                                     fmt::format("it is made of {}, whose refresh failed", to_string(found->second)),
                                     statement});
            continue;
        }
        try {
            target.execute(statement);
            report.refreshed.push_back(to_string(view.name));
        } catch (const SqlError &error) {
            target.rollback_quietly();
            if (PQstatus(target.raw()) != CONNECTION_OK || error.kind() == ErrorKind::connection) throw;
            log::warning("a materialized view could not be refreshed",
                         {{"view", to_string(view.name)}, {"reason", error.reason()}});
            report.failed.push_back({to_string(view.name), error.reason(), statement});
            stale.emplace(oid, view.name);
        }
    }
    return report;
}

} // namespace walbridge::task
