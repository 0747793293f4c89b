#define BOOST_TEST_MODULE reverse
#include <boost/test/unit_test.hpp>
