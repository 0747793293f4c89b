#define BOOST_TEST_MODULE dialect
#include <boost/test/unit_test.hpp>
