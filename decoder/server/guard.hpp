// guard.hpp: the two doors between C++ and the server, and the only includes of postgres.h that others build on.
//
// A server error is a longjmp and skips destructors; a C++ exception that reaches server frames ends the process. So
// every callback that the server calls is wrapped in enter(), and every server function that can raise (nearly all of
// them: palloc, catalog lookups, detoasting, output functions) is called inside call(). Nothing else crosses.
//
// A call() body is a few server calls with trivial locals and a trivial result; strings and vectors live outside of it.
#pragma once

#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>

extern "C" {
#include "postgres.h"

#include "utils/elog.h"
#include "utils/memutils.h"
}

namespace walbridge {

/// A server error on its way from call() to enter(), which raises it again with its own SQLSTATE. It only travels:
/// locks and pins are released when the server aborts the transaction. Null data: the error could not be copied for
/// lack of memory.
struct ServerError {
    ErrorData *data;
};

/// Puts the server's handler chain back on every way out.
class HandlerScope {
  public:
    HandlerScope() = default;
    HandlerScope(const HandlerScope &) = delete;
    HandlerScope &operator=(const HandlerScope &) = delete;
    ~HandlerScope() {
        PG_exception_stack = handler_;
        error_context_stack = frames_;
    }

  private:
    sigjmp_buf *const handler_ = PG_exception_stack;
    ErrorContextCallback *const frames_ = error_context_stack;
};

/// Copies the current error into `home` and clears the server's error state. Copying can itself run out of memory: null
/// then.
inline ErrorData *take_error(MemoryContext home) {
    HandlerScope scope;
    sigjmp_buf here;
    if (sigsetjmp(here, 0) != 0) {
        MemoryContextSwitchTo(home);
        FlushErrorState();
        return nullptr;
    }
    PG_exception_stack = &here;
    MemoryContextSwitchTo(home); // the copy must not land in ErrorContext
    ErrorData *error = CopyErrorData();
    FlushErrorState();
    return error;
}

/// C++ calls the server: runs the body; an error it raises comes out as ServerError.
template <class Body> auto call(Body body) -> decltype(body()) {
    static_assert(std::is_trivially_destructible_v<Body>, "capture references and views only");
    const MemoryContext home = CurrentMemoryContext;
    {
        HandlerScope scope;
        sigjmp_buf here;
        if (sigsetjmp(here, 0) == 0) {
            PG_exception_stack = &here;
            return body();
        }
    }
    throw ServerError{take_error(home)};
}

/// The server calls C++: runs the body; whatever it throws is raised as a server error once every C++ object is gone.
template <class Body> void enter(const char *callback, Body &&body) {
    ErrorData *server = nullptr;
    int code = ERRCODE_INTERNAL_ERROR;
    char text[512] = "";
    try {
        body();
        return;
    } catch (const ServerError &e) {
        server = e.data;
        code = ERRCODE_OUT_OF_MEMORY;
        strlcpy(text, "a server error could not be copied", sizeof text);
    } catch (const std::bad_alloc &) {
        code = ERRCODE_OUT_OF_MEMORY;
        strlcpy(text, "out of memory", sizeof text);
    } catch (const std::exception &e) {
        strlcpy(text, e.what(), sizeof text);
    } catch (...) {
        strlcpy(text, "unknown exception", sizeof text);
    }
    if (server != nullptr) ReThrowError(server);
    ereport(ERROR, (errcode(code), errmsg("%s", text), errcontext("walbridge callback \"%s\"", callback)));
}

/// Runs with another memory context and puts the former one back; switching does not raise.
class MemoryContextScope {
  public:
    explicit MemoryContextScope(MemoryContext context) : former_(MemoryContextSwitchTo(context)) {}
    MemoryContextScope(const MemoryContextScope &) = delete;
    MemoryContextScope &operator=(const MemoryContextScope &) = delete;
    ~MemoryContextScope() { MemoryContextSwitchTo(former_); }

  private:
    const MemoryContext former_;
};

/// Adds a line to the context of server errors that are raised while it lives. The function runs inside the server's
/// error handling: it may call errcontext() and nothing else.
class ErrorContextScope {
  public:
    ErrorContextScope(void (*describe)(void *), void *argument) : entry_{error_context_stack, describe, argument} {
        error_context_stack = &entry_;
    }
    ErrorContextScope(const ErrorContextScope &) = delete;
    ErrorContextScope &operator=(const ErrorContextScope &) = delete;
    ~ErrorContextScope() { error_context_stack = entry_.previous; }

  private:
    ErrorContextCallback entry_;
};

/// Stops with an error of the user's making (a wrong option, a server too old). Never returns.
[[noreturn]] inline void refuse(int code, const std::string &message, const std::string &hint = {},
                                const std::string &detail = {}) {
    const char *text = message.c_str();
    const char *help = hint.empty() ? nullptr : hint.c_str();
    const char *more = detail.empty() ? nullptr : detail.c_str();
    call([&] {
        ereport(ERROR, (errcode(code), errmsg("%s", text), more != nullptr ? errdetail("%s", more) : 0,
                        help != nullptr ? errhint("%s", help) : 0));
    });
    throw std::logic_error("an error was not raised");
}

} // namespace walbridge
