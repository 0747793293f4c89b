// error_test.cpp: which SQLSTATEs a retry can cure, and what an error tells.
#include "base/error.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;

BOOST_AUTO_TEST_SUITE(errors)

BOOST_AUTO_TEST_CASE(recovery_follows_the_sqlstate) {
    struct Case {
        const char *sqlstate;
        Recovery expected;
    };
    using enum Recovery;
    for (const auto &[sqlstate, expected] : {Case{"", reconnect},
                                             {"08006", reconnect},
                                             {"57P01", reconnect},
                                             {"57P02", reconnect},
                                             {"57P03", reconnect},
                                             {"57P05", reconnect},
                                             {"25P03", reconnect},
                                             {"53100", reconnect},
                                             {"53200", reconnect},
                                             {"53300", reconnect},
                                             {"58030", reconnect},
                                             {"55006", reconnect},
                                             {"40001", retry_transaction},
                                             {"40P01", retry_transaction},
                                             {"55P03", retry_transaction},
                                             {"57014", retry_transaction},
                                             {"23505", stop},
                                             {"42P01", stop},
                                             {"42501", stop},
                                             {"28P01", stop},
                                             {"22P02", stop},
                                             {"WB001", stop},
                                             {"XX000", stop}})
        BOOST_TEST((recovery_for(sqlstate) == expected), sqlstate);
}

BOOST_AUTO_TEST_CASE(an_sql_error_tells_message_detail_and_sqlstate) {
    const SqlError error(ErrorKind::target_data, "target",
                         {.sqlstate = "23505",
                          .message = "duplicate key",
                          .detail = "Key (id)=(1)",
                          .hint = "Look.",
                          .schema = {},
                          .table = {},
                          .column = {},
                          .constraint = {},
                          .statement = {}});
    BOOST_TEST(error.reason() == "duplicate key (Key (id)=(1)) [SQLSTATE 23505]");
    BOOST_TEST(error.remedy() == "Look.");
    BOOST_TEST(error.exit_code() == 43);
    BOOST_TEST(std::string(error.what()).starts_with("target: duplicate key"));
}

BOOST_AUTO_TEST_CASE(every_kind_has_a_name_of_its_own) {
    BOOST_TEST(name_of(ErrorKind::slot_recreated) == "slot_recreated");
    BOOST_TEST(name_of(ErrorKind::timeout) == "timeout");
    BOOST_TEST(name_of(static_cast<ErrorKind>(999)) == "internal");
}

BOOST_AUTO_TEST_SUITE_END()
