"""Task file sections that say what becomes of values MySQL cannot hold."""


def with_policy(columns):
    """{"schema.table": {"column": "error" | "null" | "clamp" | "text"}} as a list for `tables`."""
    return [{"name": name, "values": dict(policies)} for name, policies in columns.items()]
