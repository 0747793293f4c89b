// rows.cpp: the baseline of the benchmark's backlog rows: changes through single-row prepared statements on one
// connection, one commit for each source transaction. It reads prepared work, decodes nothing and keeps no position, so
// it is faster than a whole replicator of this kind could be.
//
//   rows SOCKET DATABASE WORK
//
// WORK has three kinds of lines, their fields separated by tabs:
//   S types statement    a statement; one letter for each parameter: i an integer, s characters. Numbered from 0
//   X number value ...   executes it; \N is NULL, \t \n \\ stand for tab, newline, backslash
//   C                    ends a source transaction
// Prints one line of JSON: seconds, transactions, changes. Where every transaction is a single change, the session is
// in autocommit, which saves the round trip of COMMIT.
#include <mysql.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Close {
    void operator()(MYSQL *connection) const noexcept { mysql_close(connection); }
    void operator()(MYSQL_STMT *statement) const noexcept { mysql_stmt_close(statement); }
};
using Connection = std::unique_ptr<MYSQL, Close>;

/// A parameter as it is bound: its storage lives as long as the work.
struct Value {
    bool null = false;
    long long number = 0;
    std::string text;
};

/// One row's change; statement = commit ends a transaction.
struct Step {
    static constexpr std::size_t commit = static_cast<std::size_t>(-1);
    std::size_t statement = commit;
    std::vector<Value> values;
};

struct Work {
    std::vector<std::string> types, statements;
    std::vector<Step> steps;
    std::size_t transactions = 0, changes = 0;
};

std::vector<std::string> fields(const std::string &line) {
    std::vector<std::string> found(1);
    for (const char c : line) {
        if (c == '\t')
            found.emplace_back();
        else
            found.back().push_back(c);
    }
    return found;
}

std::string unescaped(std::string_view field) {
    std::string text;
    for (std::size_t i = 0; i < field.size(); ++i) {
        if (field[i] != '\\' || i + 1 == field.size()) {
            text.push_back(field[i]);
            continue;
        }
        const char next = field[++i];
        text.push_back(next == 't' ? '\t' : next == 'n' ? '\n' : next);
    }
    return text;
}

Value value(char type, const std::string &field) {
    Value made;
    if (field == "\\N") {
        made.null = true;
    } else if (type == 'i') {
        if (std::from_chars(field.data(), field.data() + field.size(), made.number).ec != std::errc{})
            throw std::runtime_error("no integer: " + field);
    } else {
        made.text = unescaped(field);
    }
    return made;
}

Work read(const char *path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error(std::string(path) + ": " + std::strerror(errno));
    Work work;
    for (std::string line; std::getline(file, line);) {
        const auto parts = fields(line);
        if (parts[0] == "S") {
            work.types.push_back(parts.at(1));
            work.statements.push_back(parts.at(2));
        } else if (parts[0] == "X") {
            Step step{std::stoul(parts.at(1)), {}};
            const std::string &types = work.types.at(step.statement);
            for (std::size_t i = 0; i < types.size(); ++i) step.values.push_back(value(types[i], parts.at(i + 2)));
            work.steps.push_back(std::move(step));
            ++work.changes;
        } else if (parts[0] == "C") {
            work.steps.emplace_back();
            ++work.transactions;
        } else {
            throw std::runtime_error("unknown line: " + line);
        }
    }
    return work;
}

[[noreturn]] void fail(const std::string &what, MYSQL *connection) {
    throw std::runtime_error(what + ": " + mysql_error(connection));
}

class Prepared {
  public:
    Prepared(MYSQL *connection, const std::string &text, std::string types)
        : statement_(mysql_stmt_init(connection)), types_(std::move(types)), binds_(types_.size()),
          lengths_(types_.size()) {
        if (!statement_ || mysql_stmt_prepare(statement_.get(), text.data(), text.size()) != 0)
            throw std::runtime_error(text + ": " + mysql_stmt_error(statement_.get()));
        if (mysql_stmt_param_count(statement_.get()) != types_.size())
            throw std::runtime_error(text + ": another number of parameters than types");
    }

    void execute(Step &step) {
        for (std::size_t i = 0; i < binds_.size(); ++i) {
            MYSQL_BIND &bind = binds_[i];
            Value &from = step.values[i];
            bind = MYSQL_BIND{};
            if (from.null) {
                bind.buffer_type = MYSQL_TYPE_NULL;
            } else if (types_[i] == 'i') {
                bind.buffer_type = MYSQL_TYPE_LONGLONG;
                bind.buffer = &from.number;
            } else {
                bind.buffer_type = MYSQL_TYPE_STRING;
                bind.buffer = from.text.data();
                bind.buffer_length = lengths_[i] = from.text.size();
                bind.length = &lengths_[i];
            }
        }
        if (mysql_stmt_bind_param(statement_.get(), binds_.data()) != 0 || mysql_stmt_execute(statement_.get()) != 0)
            throw std::runtime_error(mysql_stmt_error(statement_.get()));
        if (mysql_stmt_affected_rows(statement_.get()) != 1) throw std::runtime_error("not one row was changed");
    }

  private:
    std::unique_ptr<MYSQL_STMT, Close> statement_;
    std::string types_;
    std::vector<MYSQL_BIND> binds_;
    std::vector<unsigned long> lengths_;
};

void run(const char *socket, const char *database, const char *path) {
    Work work = read(path);
    const Connection connection(mysql_init(nullptr));
    mysql_options(connection.get(), MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (!mysql_real_connect(connection.get(), nullptr, "root", "", database, 0, socket, CLIENT_FOUND_ROWS))
        fail("connect", connection.get());
    const bool single = work.changes == work.transactions;
    // The same session settings as a replicator's.
    const std::string settings =
        std::string("SET SESSION time_zone = '+00:00', foreign_key_checks = 0, autocommit = ") + (single ? "1" : "0") +
        ", sql_mode = 'STRICT_ALL_TABLES'";
    if (mysql_query(connection.get(), settings.c_str()) != 0 ||
        mysql_query(connection.get(), "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED") != 0)
        fail("session", connection.get());
    std::vector<std::unique_ptr<Prepared>> prepared;
    for (std::size_t i = 0; i < work.statements.size(); ++i)
        prepared.push_back(std::make_unique<Prepared>(connection.get(), work.statements[i], work.types[i]));

    const auto began = std::chrono::steady_clock::now();
    for (Step &step : work.steps) {
        if (step.statement != Step::commit)
            prepared.at(step.statement)->execute(step);
        else if (!single && mysql_commit(connection.get()) != 0)
            fail("commit", connection.get());
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::printf("{\"seconds\": %.6f, \"transactions\": %zu, \"changes\": %zu}\n", took.count(), work.transactions,
                work.changes);
}

} // namespace

int main(int count, char **words) {
    if (count != 4) {
        std::fprintf(stderr, "usage: rows SOCKET DATABASE WORK\n");
        return 2;
    }
    try {
        run(words[1], words[2], words[3]);
        return 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "rows: %s\n", error.what());
        return 1;
    }
}
