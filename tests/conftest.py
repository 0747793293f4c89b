pytest_plugins = ["walbridge_testing.fixtures"]
