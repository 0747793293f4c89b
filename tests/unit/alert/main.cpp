#define BOOST_TEST_MODULE alert
#include <boost/test/unit_test.hpp>
