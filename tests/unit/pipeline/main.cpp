// main.cpp: entry point of the unit tests of applier/pipeline.
#define BOOST_TEST_MODULE pipeline
#include <boost/test/unit_test.hpp>
