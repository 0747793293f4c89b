// session.cpp: setting up a decoding session and what its callbacks share.
#include "server/session.hpp"

#include "server/binary_output.hpp"
#include "server/json_output.hpp"

extern "C" {
#include "access/transam.h"
#include "commands/dbcommands.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
}

namespace walbridge {

namespace {

constexpr int changes_between_reports = 100;

bool is_text_utf8(std::string_view bytes) {
    return bytes.find('\0') == std::string_view::npos &&
           call([&] { return pg_verify_mbstr(PG_UTF8, bytes.data(), static_cast<int>(bytes.size()), true); });
}

bool is_text_of_server(std::string_view bytes) {
    return bytes.find('\0') == std::string_view::npos && call([&] {
               return pg_verify_mbstr(GetDatabaseEncoding(), bytes.data(), static_cast<int>(bytes.size()), true);
           });
}

bool keeps_server_encoding(const Options &options, bool replicates) {
    return options.format == Format::json && !replicates;
}

std::unique_ptr<Output> make_output(wire::FrameSink &sink, const Options &options, bool keep_encoding) {
    if (options.format == Format::binary) return std::make_unique<BinaryOutput>(sink, options.compression);
    return std::make_unique<JsonOutput>(sink, options, keep_encoding ? is_text_of_server : is_text_utf8);
}

} // namespace

Session::Session(LogicalDecodingContext *decoding, Options parsed, bool replicates)
    : context(decoding), options(std::move(parsed)), encoder(keeps_server_encoding(options, replicates)),
      sink(decoding), output(make_output(sink, options, keeps_server_encoding(options, replicates))),
      relations(decoding->context, CachePolicy{options.selection, options.rules, encoder,
                                               options.format == Format::binary && options.binary_values}),
      origins(options), new_tuples(encoder), old_tuples(encoder), counter(options.counter) {
    change_context =
        call([&] { return AllocSetContextCreate(decoding->context, "walbridge change", ALLOCSET_DEFAULT_SIZES); });
    // Read now: the first record of a connection may be a message outside of any transaction, where catalogs are
    // closed.
    const char *database = call([] { return get_database_name(MyDatabaseId); });
    if (database != nullptr) database_ = encoder.encode(database);
}

Transaction &Session::start(const ReorderBufferTXN *txn) {
    forget(txn);
    return transaction(txn);
}

Transaction &Session::transaction(const ReorderBufferTXN *txn) {
    if (last_ != nullptr && last_->xid == txn->xid) return *last_;
    auto &slot = transactions_[txn->xid];
    if (!slot) {
        slot = std::make_unique<Transaction>();
        slot->xid = txn->xid;
    }
    last_ = slot.get();
    return *slot;
}

void Session::forget(const ReorderBufferTXN *txn) {
    last_ = nullptr;
    transactions_.erase(txn->xid);
}

void Session::open() {
    if (opened_) return;
    wire::Session record;
    record.plugin_version = WALBRIDGE_VERSION;
    record.server_version_num = PG_VERSION_NUM;
    record.database_oid = MyDatabaseId;
    record.database = database_;
    record.server_encoding = GetDatabaseEncodingName();
    record.counter_seed = options.counter;
    record.next_full_xid = call([] { return U64FromFullTransactionId(ReadNextFullTransactionId()); });
    output->write(record);
    opened_ = true;
}

void Session::count_progress() {
    if (!compat::plugin_reports_progress || ++changes_since_progress_ < changes_between_reports) return;
    changes_since_progress_ = 0;
    call([&] { compat::update_progress(context, false); });
}

} // namespace walbridge
