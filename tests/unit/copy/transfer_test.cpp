// transfer_test.cpp: the COPY statements of a chunk, and which values may travel in binary.
#include "copy/transfer.hpp"

#include "base/error.hpp"
#include "table_builder.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::copy;
using test::column;
using test::table;

namespace {

Chunk chunk(ChunkKind kind, std::optional<std::int64_t> low = {}, std::optional<std::int64_t> high = {}) {
    Chunk c;
    c.table = {"public", "t"};
    c.kind = kind;
    c.low = low;
    c.high = high;
    return c;
}

Transfer transfer_of(const source::Table &from, const source::Table &to, const Chunk &chunk, const std::string &key) {
    return make_transfer({from, source::as_it_is(from), to}, chunk, key);
}

} // namespace

BOOST_AUTO_TEST_CASE(built_in_types_and_their_arrays_travel_in_binary) {
    for (const std::uint32_t oid : {16u, 17u, 20u, 23u, 25u, 701u, 1184u, 1700u, 2950u, 3802u, 3904u, 4532u})
        BOOST_TEST(portable_in_binary(oid, 0));
    BOOST_TEST(portable_in_binary(1007, 23));   // integer[]
    BOOST_TEST(portable_in_binary(1231, 1700)); // numeric[]
}

BOOST_AUTO_TEST_CASE(local_oids_user_types_and_xml_travel_as_text) {
    for (const std::uint32_t oid : {2205u, 2206u, 24u, 4096u, 142u, 1790u, 16500u})
        BOOST_TEST(!portable_in_binary(oid, 0));
    BOOST_TEST(!portable_in_binary(2210, 2205));   // regclass[]
    BOOST_TEST(!portable_in_binary(16501, 16500)); // array of a user type
    BOOST_TEST(!portable_in_binary(143, 142));     // xml[]
    BOOST_TEST(!portable_in_binary(22, 21));       // int2vector: an empty one is refused on the way in
    BOOST_TEST(!portable_in_binary(30, 26));       // oidvector
}

BOOST_AUTO_TEST_CASE(a_whole_table_is_copied_without_a_query) {
    const auto transfer = transfer_of(table(), table(), chunk(ChunkKind::whole), "id");
    BOOST_TEST(transfer.binary);
    BOOST_TEST(transfer.out == "COPY \"public\".\"t\" (\"id\", \"note\") TO STDOUT (FORMAT binary)");
    BOOST_TEST(transfer.in == "COPY \"public\".\"t\" (\"id\", \"note\") FROM STDIN (FORMAT binary)");
}

BOOST_AUTO_TEST_CASE(a_chunk_is_copied_by_its_condition) {
    BOOST_TEST(transfer_of(table(), table(), chunk(ChunkKind::ctid, 10, 20), "id").out ==
               "COPY (SELECT \"id\", \"note\" FROM ONLY \"public\".\"t\" WHERE ctid >= '(10,0)'::tid AND ctid < "
               "'(20,0)'::tid) TO STDOUT (FORMAT binary)");
    BOOST_TEST(condition(chunk(ChunkKind::key, {}, -5), "i\"d") == "\"i\"\"d\" < -5");
    BOOST_TEST(condition(chunk(ChunkKind::key, 7, {}), "id") == "\"id\" >= 7");
    BOOST_TEST(condition(chunk(ChunkKind::whole), "id").empty());
}

BOOST_AUTO_TEST_CASE(one_column_that_cannot_travel_in_binary_makes_the_chunk_text) {
    auto t = table();
    t.columns.push_back(column(3, "mood", 16500, "public.mood"));
    const auto transfer = transfer_of(t, t, chunk(ChunkKind::whole), "id");
    BOOST_TEST(!transfer.binary);
    BOOST_TEST(transfer.out == "COPY \"public\".\"t\" (\"id\", \"note\", \"mood\") TO STDOUT");
}

BOOST_AUTO_TEST_CASE(another_type_on_the_target_makes_the_chunk_text) {
    auto target = table();
    target.columns.front().type_oid = 1700;
    BOOST_TEST(!transfer_of(table(), target, chunk(ChunkKind::whole), "id").binary);
}

BOOST_AUTO_TEST_CASE(xml_is_cast_so_that_its_declaration_survives) {
    auto t = table();
    t.columns.back().type_oid = 142;
    BOOST_TEST(transfer_of(t, t, chunk(ChunkKind::whole), "id").out ==
               "COPY (SELECT \"id\", \"note\"::text FROM ONLY \"public\".\"t\") TO STDOUT");
}

BOOST_AUTO_TEST_CASE(generated_columns_are_left_out_and_order_on_the_target_does_not_matter) {
    auto source = table(), target = table();
    source.columns.push_back(column(3, "g", 23, "integer"));
    source.columns.back().generated = 's';
    std::swap(target.columns[0], target.columns[1]);
    BOOST_TEST(transfer_of(source, target, chunk(ChunkKind::whole), "id").in ==
               "COPY \"public\".\"t\" (\"id\", \"note\") FROM STDIN (FORMAT binary)");
}

BOOST_AUTO_TEST_CASE(rules_and_other_names_stand_in_the_query) {
    auto source = table();
    source.columns.push_back(column(3, "secret", 25, "text"));
    auto shape = source::as_it_is(source);
    shape.columns.pop_back(); // secret
    shape.columns[0].target = "number";
    shape.columns[1].computed = true;
    shape.columns[1].sql = "(md5(note)\n)::text";
    shape.where = "(id > 1 OR note IS NULL\n)";
    auto target = table();
    target.columns[0].name = "number";
    target.columns.push_back(column(3, "came", 25, "text"));
    const auto plain = make_transfer({source, shape, target}, chunk(ChunkKind::key, 5, {}), "id");
    BOOST_TEST(plain.out == "COPY (SELECT \"id\", (md5(note)\n)::text FROM ONLY \"public\".\"t\" WHERE \"id\" >= 5 AND "
                            "(id > 1 OR note IS NULL\n)) TO STDOUT (FORMAT binary)");
    BOOST_TEST(plain.in == "COPY \"public\".\"t\" (\"number\", \"note\") FROM STDIN (FORMAT binary)");
    const auto added =
        make_transfer({source, shape, target, {{"came", "'copy'::text"}}}, chunk(ChunkKind::whole), "id");
    BOOST_TEST(added.in == "COPY \"public\".\"t\" (\"number\", \"note\", \"came\") FROM STDIN");
    BOOST_TEST(!added.binary);
}

BOOST_AUTO_TEST_CASE(a_column_missing_on_the_target_is_named_with_the_statement_that_adds_it) {
    auto target = table();
    target.columns.pop_back();
    try {
        (void)transfer_of(table(), target, chunk(ChunkKind::whole), "id");
        BOOST_FAIL("expected an error");
    } catch (const Error &error) {
        BOOST_TEST((error.kind() == ErrorKind::target_shape));
        BOOST_TEST(error.reason() == "the target lacks column note");
        BOOST_TEST(error.remedy() == "ALTER TABLE \"public\".\"t\" ADD COLUMN \"note\" text;");
    }
}
