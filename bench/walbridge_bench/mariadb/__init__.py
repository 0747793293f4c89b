"""PostgreSQL to MariaDB: walbridge against what is done by hand. The method stands in bench/README.md."""
