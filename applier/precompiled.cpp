// A target needs a source; walbridge_precompiled is there for precompiled.hpp.
