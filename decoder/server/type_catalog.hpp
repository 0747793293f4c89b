// type_catalog.hpp: what the catalogs say about a type, read under the snapshot that decoding has set.
#pragma once

#include "server/guard.hpp"
#include "server/text_encoding.hpp"

#include <string>
#include <utility>
#include <vector>

namespace walbridge {

struct TypeFacts {
    Oid oid = InvalidOid;
    Oid schema_oid = InvalidOid;
    std::string schema;
    std::string name;
    char category = 'b';      ///< typtype, or 'a' for an array
    Oid element = InvalidOid; ///< of an array or a domain: the type right below
    int length = 0;           ///< pg_type.typlen: -1 for what may be stored out of line
    Oid output_function = InvalidOid;
    Oid send_function = InvalidOid;
};

/// Throws ServerError when the type does not exist.
TypeFacts read_type(Oid type, const TextEncoder &encoder);

/// Labels of an enum in their order, with the oid of each: that is what rows hold.
std::vector<std::pair<Oid, std::string>> read_enum(Oid type, const TextEncoder &encoder);

/// Schema name of a namespace oid.
std::string read_schema(Oid schema, const TextEncoder &encoder);

struct CollationFacts {
    Oid schema_oid = InvalidOid;
    std::string schema;
    std::string name;
};

/// Empty names for the database's default collation and for none.
CollationFacts read_collation(Oid collation, const TextEncoder &encoder);

} // namespace walbridge
