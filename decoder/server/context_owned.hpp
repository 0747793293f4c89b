// context_owned.hpp: long-lived C++ objects that belong to a server memory context.
//
// On an ERROR the server drops the decoding context without calling the plugin's shutdown; the context's reset callback
// is what still runs. So it is there that the destructor is called. Destructors free C++ memory only: the server's
// state may be anything by then.
#pragma once

#include "server/guard.hpp"

#include <utility>

namespace walbridge {

/// Constructs a T in memory of `owner`; it is destroyed when the context is reset or deleted.
template <class T, class... Arguments> T *make_owned(MemoryContext owner, Arguments &&...arguments) {
    void *memory = call([&] { return MemoryContextAlloc(owner, sizeof(T)); });
    auto *callback = static_cast<MemoryContextCallback *>(
        call([&] { return MemoryContextAlloc(owner, sizeof(MemoryContextCallback)); }));
    T *object = new (memory) T(std::forward<Arguments>(arguments)...);
    callback->func = [](void *pointer) { static_cast<T *>(pointer)->~T(); };
    callback->arg = object;
    MemoryContextRegisterResetCallback(owner, callback); // links a list, cannot raise
    return object;
}

} // namespace walbridge
