// precompiled.hpp: what most files include, compiled once for all rooms and tests; CMake puts it in front of every file. It spares a
// build half of its time and is no interface: each file goes on including what it uses, which `make lint` and
// `make asan` see because they compile without this. What only some files need (JSON, Boost, the parse tree) makes all others slower and stays out.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <libpq-fe.h>
