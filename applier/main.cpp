// main.cpp: hands the command line to the service and returns its exit code.
#include "service/cli.hpp"

int main(int argc, char **argv) { return walbridge::service::run_command_line({argv + 1, argv + argc}); }
