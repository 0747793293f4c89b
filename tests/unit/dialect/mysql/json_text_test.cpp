// json_text_test.cpp: arrays and hstore values as JSON.
#include "dialect/mysql/json_text.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge::dialect::mysql;

namespace {

struct Array {
    const char *text;
    Elements elements;
    const char *json; ///< nullptr: cannot be
};

} // namespace

BOOST_AUTO_TEST_CASE(an_array_keeps_its_elements_and_dimensions) {
    const Array cases[] = {
        {"{}", Elements::text, "[]"},
        {"{1,NULL,-3}", Elements::number, "[1, null, -3]"},
        {"{1.10,NaN,1e+20,Infinity,-0,-Infinity}", Elements::number,
         R"([1.10, "NaN", 1e+20, "Infinity", -0, "-Infinity"])"},
        {"{{1,2},{3,4}}", Elements::number, "[[1, 2], [3, 4]]"},
        {"{t,f,NULL}", Elements::boolean, "[true, false, null]"},
        {"{t,f}", Elements::text, R"(["t", "f"])"},
        {R"({a,"b c","NULL",NULL,"","x\"y","back\\slash","{1,2}"})", Elements::text,
         R"(["a", "b c", "NULL", null, "", "x\"y", "back\\slash", "{1,2}"])"},
        {"{\"line\nbreak\",\"tab\t\",\x01}", Elements::text, R"(["line\nbreak", "tab\t", "\u0001"])"},
        {"{ä,😀}", Elements::text, R"(["ä", "😀"])"},
        {R"x({"[1,2)","(,)"})x", Elements::text, R"x(["[1,2)", "(,)"])x"},
        {"[2:3]={1,2}", Elements::number, nullptr},
        {"", Elements::text, nullptr},
        {"{1", Elements::number, nullptr},
        {"{1}x", Elements::number, nullptr},
        {"{\"open}", Elements::text, nullptr},
    };
    for (const auto &[text, elements, json] : cases) {
        BOOST_TEST_CONTEXT(text) {
            std::string out;
            const bool done = array_as_json(text, elements, ',', out);
            BOOST_TEST(done == (json != nullptr));
            if (done && json != nullptr) BOOST_TEST(out == json);
        }
    }
}

BOOST_AUTO_TEST_CASE(boxes_are_separated_by_semicolons) {
    std::string out;
    BOOST_TEST(array_as_json("{(1,1),(0,0);(2,2),(1,1)}", Elements::text, ';', out));
    BOOST_TEST(out == R"x(["(1,1),(0,0)", "(2,2),(1,1)"])x");
}

BOOST_AUTO_TEST_CASE(an_hstore_is_an_object) {
    const std::pair<const char *, const char *> cases[] = {
        {"", "{}"},
        {R"("a"=>"1", "b"=>NULL)", R"({"a": "1", "b": null})"},
        {R"("a\"b"=>"x\\y", ""=>"NULL")", R"({"a\"b": "x\\y", "": "NULL"})"},
        {R"(a=>1)", nullptr},
        {R"("a"=>"1","b"=>"2")", nullptr},
    };
    for (const auto &[text, json] : cases) {
        BOOST_TEST_CONTEXT(text) {
            std::string out;
            const bool done = hstore_as_json(text, out);
            BOOST_TEST(done == (json != nullptr));
            if (done && json != nullptr) BOOST_TEST(out == json);
        }
    }
}
