// session.cpp: connections of libmariadb: parameters, fixed session settings, statements and results.
#include "base/mysql/session.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <exception>
#include <fmt/format.h>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace walbridge::my {
namespace {

using MyBool = my_bool;

/// Where the bytes of a LOAD DATA LOCAL come from while one runs.
struct Feed {
    const std::function<std::string_view()> *next = nullptr;
    std::string_view rest;
    std::exception_ptr failure;
};

int feed_init(void **handle, const char *, void *feed) {
    *handle = feed;
    return static_cast<Feed *>(feed)->next == nullptr ? 1 : 0;
}

int feed_read(void *handle, char *buffer, unsigned int size) {
    auto &feed = *static_cast<Feed *>(handle);
    try {
        if (feed.rest.empty()) feed.rest = (*feed.next)();
    } catch (...) {
        feed.failure = std::current_exception();
        return -1;
    }
    const auto count = std::min<std::size_t>(size, feed.rest.size());
    std::memcpy(buffer, feed.rest.data(), count);
    feed.rest.remove_prefix(count);
    return static_cast<int>(count);
}

void feed_end(void *) {}

int feed_error(void *, char *message, unsigned int size) {
    constexpr unsigned int file_error = 2; // any number but 0
    std::strncpy(message, "no file of this machine is read", size);
    if (size != 0) message[size - 1] = '\0';
    return file_error;
}

void start_library() {
    static std::once_flag once;
    std::call_once(once, [] { mysql_server_init(0, nullptr, nullptr); });
}

/// The client library takes the caller's pointers as they are: what is empty is left out.
const char *given(const std::string &text) { return text.empty() ? nullptr : text.c_str(); }

void set(MYSQL *connection, mysql_option option, const std::string &value) {
    if (!value.empty()) mysql_options(connection, option, value.c_str());
}

void set_encryption(MYSQL *connection, const Address &address) {
    const MyBool yes = 1, no = 0;
    set(connection, MYSQL_OPT_SSL_CA, address.ssl_ca);
    set(connection, MYSQL_OPT_SSL_CERT, address.ssl_cert);
    set(connection, MYSQL_OPT_SSL_KEY, address.ssl_key);
    set(connection, MARIADB_OPT_TLS_PASSPHRASE, address.ssl_key_passphrase);
    const bool verified = address.ssl_mode == SslMode::verify_ca || address.ssl_mode == SslMode::verify_identity;
    const bool wanted =
        address.ssl_mode != SslMode::disabled && !(address.ssl_mode == SslMode::preferred && !address.socket.empty());
    mysql_options(connection, MYSQL_OPT_SSL_ENFORCE, wanted ? &yes : &no);
    // With a CA the chain is always verified; this adds the host's name, and the system's CAs where none is given.
    mysql_options(connection, MYSQL_OPT_SSL_VERIFY_SERVER_CERT,
                  address.ssl_mode == SslMode::verify_identity ? &yes : &no);
    // Nobody in between may ask for the password in clear.
    if (!verified)
        mysql_optionsv(connection, MARIADB_OPT_RESTRICTED_AUTH,
                       "mysql_native_password,client_ed25519,caching_sha2_password,sha256_password");
}

/// The client library says of a file that it cannot read that the connection failed.
void demand_files(const Address &address) {
    const std::pair<const char *, const std::string &> files[] = {
        {"ssl-ca", address.ssl_ca}, {"ssl-cert", address.ssl_cert}, {"ssl-key", address.ssl_key}};
    for (const auto &[name, file] : files)
        if (!file.empty() && access(file.c_str(), R_OK) != 0)
            throw Error(ErrorKind::configuration, "target.url",
                        fmt::format("{}: {} cannot be read: {}", name, file,
                                    std::error_code(errno, std::generic_category()).message()),
                        "Give the path of a PEM file that walbridge's user may read.");
}

void set_timeouts(MYSQL *connection, const Address &address) {
    const auto seconds = [&](mysql_option option, std::chrono::seconds value) {
        const auto count = static_cast<unsigned int>(value.count());
        if (count != 0) mysql_options(connection, option, &count);
    };
    seconds(MYSQL_OPT_CONNECT_TIMEOUT, address.connect_timeout);
    seconds(MYSQL_OPT_READ_TIMEOUT, address.read_timeout);
    seconds(MYSQL_OPT_WRITE_TIMEOUT, address.write_timeout);
}

/// A statement may run for hours, so that silence says nothing: probes tell whether the other end is alive.
void keep_alive(MYSQL *connection) noexcept {
    const auto socket = mysql_get_socket(connection);
    const auto option = [&](int level, int name, int value) { setsockopt(socket, level, name, &value, sizeof value); };
    option(SOL_SOCKET, SO_KEEPALIVE, 1);
    option(IPPROTO_TCP, TCP_KEEPIDLE, 30);
    option(IPPROTO_TCP, TCP_KEEPINTVL, 10);
    option(IPPROTO_TCP, TCP_KEEPCNT, 3);
    option(IPPROTO_TCP, TCP_USER_TIMEOUT, 60000);
}

Failure failure_of(MYSQL *connection) {
    return {mysql_errno(connection), mysql_sqlstate(connection), mysql_error(connection)};
}

bool breaks_connection(unsigned number) {
    switch (number) {
    case 1053: // shutdown
    case 1927: // killed
    case 2002:
    case 2003:
    case 2006: // gone away
    case 2013: // lost
    case 2014: // out of sync: nothing that follows could be told apart
    case 2026:
    case 2027:
    case 2055:
    case 4031:
    case 5013:
    case 5014: return true;
    default: return false;
    }
}

/// What a role or the server sets must not end a long statement, change what values mean or hide an error [T-16].
std::string session_settings(ServerVersion version, const ConnectOptions &options) {
    // The character set again: a server may be told to ignore what the client says while connecting.
    std::string sql =
        "SET NAMES utf8mb4; SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,ERROR_FOR_DIVISION_BY_ZERO,"
        "NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO', "
        "time_zone = '+00:00', autocommit = 1, sql_auto_is_null = 0, sql_safe_updates = 0, "
        "sql_big_selects = 1, sql_select_limit = DEFAULT, unique_checks = 1, "
        "wait_timeout = 31536000, net_read_timeout = 600, net_write_timeout = 600, "
        "group_concat_max_len = 1073741824";
    sql += version.flavour == Flavour::mariadb ? ", max_statement_time = 0, idle_transaction_timeout = 0, "
                                                 "idle_write_transaction_timeout = 0, "
                                                 "idle_readonly_transaction_timeout = 0"
                                               : ", max_execution_time = 0";
    for (const auto &[name, value] : options.settings) sql += fmt::format(", {} = {}", name, value);
    return sql + "; SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE";
}

} // namespace

struct Session::State {
    Endpoint endpoint;
    std::string object; ///< "target host:3306/database": what errors are about
    Feed feed;          ///< the client library holds its address
    std::unique_ptr<MYSQL, Delete> connection;
    ServerVersion version;
    unsigned long long thread_id = 0;
    std::size_t max_allowed_packet = 0;
    bool broken = false;
    std::string started; ///< beginning of the statements that finish() has to read the answer of
};

Result::Result(MYSQL_RES *result) : result_(result), columns_(mysql_num_fields(result)) {
    cells_.reserve(static_cast<std::size_t>(mysql_num_rows(result)) * columns_);
    while (MYSQL_ROW row = mysql_fetch_row(result)) {
        const auto *lengths = mysql_fetch_lengths(result);
        for (std::size_t column = 0; column < columns_; ++column)
            cells_.emplace_back(row[column] == nullptr ? std::string_view()
                                                       : std::string_view(row[column], lengths[column]));
    }
}

long long Result::number(int row, int column) const {
    const auto text = get(row, column);
    long long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
        throw Error(ErrorKind::internal, "query result", fmt::format("expected an integer, got \"{}\"", text));
    return value;
}

Session::Session(const Endpoint &endpoint, const ConnectOptions &options) : state_(std::make_unique<State>()) {
    start_library();
    const auto address = parse(endpoint.url);
    state_->endpoint = endpoint;
    state_->object = fmt::format("{} {}", endpoint.role, my::describe(endpoint.url));
    state_->connection.reset(mysql_init(nullptr));
    auto *connection = state_->connection.get();
    if (connection == nullptr) throw Error(ErrorKind::resource, endpoint.role, "out of memory while connecting");

    demand_files(address);
    // A host and a port are meant as they stand: the library would take "localhost" for a socket of its own choice.
    const unsigned int tcp = MYSQL_PROTOCOL_TCP;
    if (address.socket.empty()) mysql_options(connection, MYSQL_OPT_PROTOCOL, &tcp);
    set_timeouts(connection, address);
    set_encryption(connection, address);
    set(connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    const unsigned int local_infile = 1;
    mysql_options(connection, MYSQL_OPT_LOCAL_INFILE, &local_infile);
    mysql_set_local_infile_handler(connection, feed_init, feed_read, feed_end, feed_error, &state_->feed);
    const unsigned long largest_packet = 1UL << 30;
    mysql_options(connection, MYSQL_OPT_MAX_ALLOWED_PACKET, &largest_packet);
    if (!options.application_name.empty())
        mysql_options4(connection, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", options.application_name.c_str());

    const auto &password = endpoint.password.empty() ? address.password : endpoint.password;
    const auto *opened =
        mysql_real_connect(connection, address.socket.empty() ? address.host.c_str() : "localhost", given(address.user),
                           password.c_str(), given(address.database), address.port, given(address.socket),
                           CLIENT_FOUND_ROWS | CLIENT_MULTI_STATEMENTS | CLIENT_MULTI_RESULTS);
    if (opened == nullptr) throw error_of(failure_of(connection), state_->object, {}, false);
    if (address.ssl_mode >= SslMode::required && !encrypted())
        throw Error(ErrorKind::authentication, state_->object,
                    "the server does not encrypt connections, which ssl-mode demands",
                    "Set up TLS on the server, or say ssl-mode=preferred or disabled.");
    if (address.socket.empty()) keep_alive(connection);

    state_->version = parse_version(mysql_get_server_info(connection));
    state_->thread_id = mysql_thread_id(connection);
    execute(session_settings(state_->version, options));
    const auto known = query("SELECT @@max_allowed_packet, @@version, @@sql_mode");
    state_->max_allowed_packet = static_cast<std::size_t>(known.number(0, 0));
    state_->version = parse_version(known.get(0, 1));
    // A proxy that keeps settings for itself would make literals unsafe.
    if (known.get(0, 2).find("NO_BACKSLASH_ESCAPES") == std::string_view::npos)
        throw Error(ErrorKind::connection, state_->object, "the session's sql_mode cannot be set",
                    "Connect to the server itself, not through a proxy that keeps SET for itself.");
}

Session::Session(Session &&) noexcept = default;
Session &Session::operator=(Session &&) noexcept = default;
Session::~Session() = default;

const Endpoint &Session::endpoint() const { return state_->endpoint; }
ServerVersion Session::version() const { return state_->version; }
unsigned long long Session::thread_id() const { return mysql_thread_id(state_->connection.get()); }
std::size_t Session::max_allowed_packet() const { return state_->max_allowed_packet; }
bool Session::usable() const { return !state_->broken; }
bool Session::encrypted() const { return mysql_get_ssl_cipher(state_->connection.get()) != nullptr; }

bool Session::in_transaction() const {
    constexpr unsigned in_transaction = 1; // SERVER_STATUS_IN_TRANS
    return (state_->connection->server_status & in_transaction) != 0;
}

void Session::raise(std::string_view statement) {
    const auto failure = failure_of(state_->connection.get());
    if (breaks_connection(failure.number))
        state_->broken = true;
    else
        drain();
    throw error_of(failure, state_->object, statement);
}

/// Nothing of an earlier statement may be taken for an answer to the next one.
void Session::drain() noexcept {
    auto *connection = state_->connection.get();
    while (mysql_more_results(connection)) {
        if (mysql_next_result(connection) != 0) return;
        mysql_free_result(mysql_store_result(connection));
    }
}

void Session::refuse_broken(std::string_view sql) const {
    if (state_->broken)
        throw error_of({2006, {}, "the connection is broken since an earlier statement"}, state_->object, sql);
}

void Session::send(std::string_view sql) {
    refuse_broken(sql);
    if (mysql_real_query(state_->connection.get(), sql.data(), sql.size()) != 0) raise(sql);
}

/// Of the statement that is at hand; rows are dropped.
Outcome Session::read_outcome() {
    auto *connection = state_->connection.get();
    Outcome outcome;
    if (const std::unique_ptr<MYSQL_RES, Delete> rows(mysql_store_result(connection)); rows)
        outcome.affected = static_cast<long long>(mysql_num_rows(rows.get()));
    else if (mysql_errno(connection) == 0)
        outcome.affected = static_cast<long long>(mysql_affected_rows(connection));
    outcome.warnings = mysql_warning_count(connection);
    if (const char *info = mysql_info(connection); info != nullptr) outcome.info = info;
    return outcome;
}

std::vector<Outcome> Session::read_outcomes(std::string_view sql) {
    auto *connection = state_->connection.get();
    std::vector<Outcome> outcomes;
    for (;;) {
        outcomes.push_back(read_outcome());
        if (mysql_errno(connection) != 0) raise(sql);
        const int more = mysql_next_result(connection);
        if (more < 0) return outcomes;
        if (more > 0) raise(sql);
    }
}

std::vector<Outcome> Session::execute_all(std::string_view sql) {
    send(sql);
    return read_outcomes(sql);
}

void Session::start(std::string_view sql) {
    refuse_broken(sql);
    if (mysql_send_query(state_->connection.get(), sql.data(), sql.size()) != 0) raise(sql);
    state_->started = sql.substr(0, 500);
}

std::vector<Outcome> Session::finish() {
    const auto sql = std::exchange(state_->started, {});
    refuse_broken(sql);
    if (mysql_read_query_result(state_->connection.get()) != 0) raise(sql);
    return read_outcomes(sql);
}

Outcome Session::execute(std::string_view sql) { return execute_all(sql).back(); }

Result Session::query(std::string_view sql) {
    send(sql);
    auto *connection = state_->connection.get();
    auto *rows = mysql_store_result(connection);
    if (rows == nullptr) {
        if (mysql_errno(connection) != 0) raise(sql);
        drain();
        throw Error(ErrorKind::internal, state_->object,
                    fmt::format("a statement gave no rows: {}", sql.substr(0, 200)));
    }
    Result result(rows);
    drain();
    return result;
}

std::optional<std::string> Session::value(std::string_view sql) {
    const auto result = query(sql);
    if (result.rows() == 0 || result.null(0, 0)) return std::nullopt;
    return result.text(0, 0);
}

sql::Rows Session::ask(const sql::Statement &statement, const std::vector<sql::Parameter> &parameters) {
    const auto sql = bind(statement.in(sql::Dialect::mysql), parameters);
    send(sql);
    auto *connection = state_->connection.get();
    auto *rows = mysql_store_result(connection);
    if (rows == nullptr && mysql_errno(connection) != 0) raise(sql);
    const auto affected = rows == nullptr ? static_cast<long long>(mysql_affected_rows(connection)) : 0;
    std::vector<std::vector<sql::Rows::Cell>> cells;
    if (rows != nullptr) {
        const Result result(rows);
        for (int row = 0; row < result.rows(); ++row) {
            auto &line = cells.emplace_back();
            for (int column = 0; column < result.columns(); ++column)
                line.push_back(result.null(row, column) ? sql::Rows::Cell() : result.text(row, column));
        }
    }
    // Of several statements the first one's answer counts; a refused one behind it is an error all the same.
    int more = 0;
    while ((more = mysql_next_result(connection)) == 0) mysql_free_result(mysql_store_result(connection));
    if (more > 0) raise(sql);
    const auto count = rows == nullptr ? affected : static_cast<long long>(cells.size());
    return {std::move(cells), count};
}

std::vector<Warning> Session::warnings() {
    const auto rows = query("SHOW WARNINGS");
    std::vector<Warning> list;
    for (int row = 0; row < rows.rows(); ++row)
        list.push_back({static_cast<unsigned>(rows.number(row, 1)), rows.text(row, 0), rows.text(row, 2)});
    return list;
}

Outcome Session::load(std::string_view statement, const std::function<std::string_view()> &next) {
    state_->feed = {&next, {}, {}};
    struct Ended {
        Feed &feed;
        ~Ended() { feed = {}; }
    } const ended{state_->feed};
    try {
        auto outcome = execute(statement);
        if (state_->feed.failure) std::rethrow_exception(state_->feed.failure); // the server took it for the end
        return outcome;
    } catch (const SqlError &) {
        if (state_->feed.failure) std::rethrow_exception(state_->feed.failure);
        throw;
    }
}

void Session::rollback_quietly() noexcept {
    if (!state_ || !state_->connection || state_->broken) return;
    try {
        execute("ROLLBACK");
    } catch (const std::exception &) { // the connection is gone, and the transaction with it
    }
}

void Session::cancel() noexcept {
    try {
        Session other(state_->endpoint, {.application_name = "walbridge:cancel", .settings = {}});
        other.execute(fmt::format("KILL QUERY {}", state_->thread_id));
    } catch (const std::exception &) { // best effort
    }
}

bool kill(Session &session, unsigned long long thread_id) {
    constexpr std::string_view unknown_thread = "(error 1094)";
    try {
        session.execute(fmt::format("KILL {}", thread_id));
        return true;
    } catch (const SqlError &error) {
        if (error.fields().message.ends_with(unknown_thread)) return false;
        throw;
    }
}

} // namespace walbridge::my
