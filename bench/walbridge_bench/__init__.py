"""The benchmark: walbridge and its peers on the same servers, the same WAL, one after the other. The method stands in bench/README.md."""
