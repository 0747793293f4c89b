#define BOOST_TEST_MODULE mysql_target
#include <boost/test/unit_test.hpp>
