"""Something that goes on beside a story: a function called again and again in a thread of its own, with a session of its own."""
import threading


class Repeated:
    """`with Repeated(database, step):` calls step(cursor, number) with 1, 2, 3... in autocommit until the block is left.
    What the function may meet stands in `expected`; any other error ends the calls and is raised at the end, unless the block
    has one of its own."""

    def __init__(self, database, step, pause=0.0, expected=()):
        self.database = database
        self.step = step
        self.pause = pause
        self.expected = expected
        self.calls = 0
        self.error = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *exception):
        self._stopping.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "what was repeated beside the story does not end"
        if kind is None and self.error is not None:
            raise self.error

    def _run(self):
        try:
            connection = self.database.connect(autocommit=True)
            try:
                with connection.cursor() as cursor:
                    while not self._stopping.is_set():
                        try:
                            self.step(cursor, self.calls + 1)
                        except self.expected:
                            pass
                        self.calls += 1
                        self._stopping.wait(self.pause)
            finally:
                connection.close()
        except Exception as error:
            self.error = error
