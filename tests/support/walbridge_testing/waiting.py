"""Polling with deadlines. No test sleeps for a fixed time: it states what it waits for and how long that may take."""
import os
import time

# Sanitizer builds and slow machines stretch every deadline by this factor.
FACTOR = float(os.environ.get("WALBRIDGE_DEADLINE_FACTOR") or (4 if os.environ.get("WALBRIDGE_SANITIZER") else 1))


class DeadlineExceeded(AssertionError):
    pass


def wait_until(condition, deadline=30.0, what=None, interval=0.05, check=None):
    """Calls condition() until it returns something true and returns that; check() may raise to end the wait early."""
    limit = deadline * FACTOR
    began = time.monotonic()
    last_error = None
    while True:
        try:
            result = condition()
            last_error = None
            if result:
                return result
        except AssertionError:
            raise
        except Exception as error:  # a server that is restarting, a table that is not there yet
            last_error, result = error, None
        if check is not None:
            check()
        if time.monotonic() - began > limit:
            what = what or getattr(condition, "__doc__", None) or getattr(condition, "__name__", "condition")
            seen = f"; last error: {last_error}" if last_error else f"; last result: {result!r}"
            raise DeadlineExceeded(f"not within {limit:.0f} s: {what}{seen}")
        time.sleep(interval)
