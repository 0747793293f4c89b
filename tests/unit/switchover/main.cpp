#define BOOST_TEST_MODULE switchover
#include <boost/test/unit_test.hpp>
