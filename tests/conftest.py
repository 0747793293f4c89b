pytest_plugins = ["walbridge_testing.fixtures", "walbridge_testing.mysql_fixtures"]
