"""The cases, by section of docs/ddl.md."""
from . import access, columns, constraints, indexes, operators, partitions, places, routines, tables, triggers, types, views
from .form import NOT_FOLLOWED, REFUSED, REPLICATED, Form

GROUPS = {
    "tables": tables.FORMS, "columns": columns.FORMS, "constraints": constraints.FORMS, "indexes": indexes.FORMS,
    "partitions": partitions.FORMS, "views": views.FORMS, "triggers": triggers.FORMS, "routines": routines.FORMS,
    "operators": operators.FORMS, "types": types.FORMS, "access": access.FORMS, "places": places.FORMS,
}
