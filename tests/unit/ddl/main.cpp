// main.cpp: the test program of ddl/.
#define BOOST_TEST_MODULE ddl
#include <boost/test/unit_test.hpp>
