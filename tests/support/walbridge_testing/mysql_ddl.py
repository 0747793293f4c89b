"""Definitions on MySQL as text, to hold what translated DDL made against what the schema stage makes of the same source."""
import difflib

COLUMNS = """SELECT table_name, column_name, column_type, is_nullable, column_default, collation_name, extra, generation_expression, column_comment
FROM information_schema.columns WHERE table_schema = %s ORDER BY table_name, column_name"""
INDEXES = """SELECT table_name, index_name, non_unique, group_concat(concat(column_name, coalesce(concat('(', sub_part, ')'), ''), ' ', coalesce(collation, '')) ORDER BY seq_in_index)
FROM information_schema.statistics WHERE table_schema = %s GROUP BY table_name, index_name, non_unique ORDER BY table_name, index_name"""
CHECKS = """SELECT t.table_name, t.constraint_name, c.check_clause FROM information_schema.table_constraints t JOIN information_schema.check_constraints c
ON c.constraint_schema = t.constraint_schema AND c.constraint_name = t.constraint_name
WHERE t.constraint_type = 'CHECK' AND t.table_schema = %s ORDER BY 1, 2"""
FOREIGN_KEYS = """SELECT r.table_name, r.constraint_name, r.referenced_table_name, r.update_rule, r.delete_rule FROM information_schema.referential_constraints r
WHERE r.constraint_schema = %s ORDER BY 1, 2"""
TABLES = """SELECT table_name, engine, table_collation, table_comment FROM information_schema.tables WHERE table_schema = %s ORDER BY 1"""


def definitions(database):
    """A line for each table, column, index and constraint."""
    lines = []
    for kind, statement in (("table", TABLES), ("column", COLUMNS), ("index", INDEXES), ("check", CHECKS), ("foreign key", FOREIGN_KEYS)):
        lines += [f"{kind}: " + ", ".join(map(str, row)) for row in database.sql(statement, (database.name,))]
    return sorted(set(lines))


def same_as_a_fresh_copy(pair, schemas=("public",)):
    """The target's tables are what the schema stage makes now of the source's schemas."""
    names = {schema: f"{pair.name[:30]}_fresh{i or ''}" for i, schema in enumerate(schemas)}
    made = {schema: pair.server.create_database(name) for schema, name in names.items()}
    renames = [{"name": schema, "rename": name} for schema, name in names.items() if schema != "public"]
    copier = pair.applier(name=names[schemas[0]], target_url=made[schemas[0]].url(), stages=["schema", "full"], **({"objects": {"schema": renames}} if renames else {})).start()
    code = copier.wait_exit(60)
    assert code == 0, f"exit code {code}\n{copier.log_tail()}"
    for schema in schemas:
        followed, copied = definitions(pair.target if schema == "public" else pair.database(schema)), definitions(made[schema])
        if followed != copied:
            raise AssertionError("definitions differ (followed, freshly copied)\n" + "\n".join(difflib.unified_diff(followed, copied, lineterm="", n=0)))
