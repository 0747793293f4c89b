"""Private PostgreSQL clusters, the applier as a child process, and exact comparison: used by tests, demo and bench."""
