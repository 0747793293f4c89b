"""The walbridge service as a child process: task file, start, stop, kill, status, wait."""
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from . import toml_writer
from .waiting import FACTOR, wait_until

ROOT = Path(__file__).resolve().parents[3]
SANITIZER_REPORT = re.compile(r"(ERROR: AddressSanitizer|WARNING: ThreadSanitizer|ERROR: LeakSanitizer|runtime error:)")


class Exit:
    """Exit codes as documented in docs/configuration.md; a code is never renumbered."""
    ok = 0
    internal, usage, configuration, precheck = 1, 2, 3, 4
    connection, authentication, permission, resource = 10, 11, 12, 13
    slot_missing, slot_recreated, slot_advanced, source_replaced = 20, 21, 22, 23
    source_restored, database_replaced, slot_in_use, fenced, slot_lost = 24, 25, 26, 27, 28
    protocol, stream_gap = 30, 31
    conflict, unidentified, target_shape, target_data, schema_stage, copy_stage, plugin, ddl = 40, 41, 42, 43, 44, 45, 46, 47
    schema_differs = 48
    slot_limit = 29
    data_differs = 49
    switchover_refused = 52
    switchover_open = 53
    loop = 54
    rule = 55
    task_state, timeout = 50, 51


def binary():
    return Path(os.environ.get("WALBRIDGE_BIN") or ROOT / "build/release/applier/walbridge")


def task(name, source_url, target_url, stages=("schema", "full", "incremental"), include=("*.*",), exclude=None,
         schemas=None, tables=None, **sections):
    """A task as a dict of sections; more sections (retry={...}) or keys (task={...}) by keyword."""
    document = {
        "task": {"name": name, "stages": list(stages)},
        "source": {"url": source_url},
        "target": {"kind": "postgresql", "url": target_url},
        "objects": {"include": list(include)},
    }
    if exclude:
        document["objects"]["exclude"] = list(exclude)
    if schemas:
        document["objects"]["schema"] = schemas
    if tables:
        document["objects"]["table"] = tables
    if os.environ.get("WALBRIDGE_DECODING_MEMORY"):     # 64kB streams what is larger: any story once more, streamed
        document["source"]["decoding_memory"] = os.environ["WALBRIDGE_DECODING_MEMORY"]
    for section, body in sections.items():
        document.setdefault(section, {}).update(body)
    return document


class Result:
    def __init__(self, completed):
        self.code = completed.returncode
        self.out = completed.stdout
        self.err = completed.stderr
        self.text = completed.stdout + completed.stderr

    def __repr__(self):
        return f"exit {self.code}\n{self.text}"

    def json(self):
        return json.loads(self.out)


class Applier:
    def __init__(self, document, directory):
        self.name = document["task"]["name"]
        self.document = document
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.task_file = self.directory / f"{self.name}.toml"
        self.log = self.directory / f"{self.name}.log"
        self.process = None
        self.peak_bytes = 0
        self.write_task()

    def write_task(self):
        self.task_file.write_text(toml_writer.dumps(self.document))

    def environment(self):
        return {**os.environ, "LC_ALL": "C.UTF-8"}

    # -- life ---------------------------------------------------------------------------------------------------
    def start(self, *arguments):
        assert self.process is None or self.process.poll() is not None, "already running"
        with open(self.log, "a") as log:
            log.write(f"---- start {time.strftime('%H:%M:%S')}\n")
            log.flush()
            self.process = subprocess.Popen([str(binary()), "run", str(self.task_file), *arguments], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT, env=self.environment(),
                                            start_new_session=True)
        return self

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def check_alive(self):
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"walbridge ended with exit code {self.process.returncode}\n{self.log_tail()}")

    def wait_exit(self, deadline=30):
        """The exit code of a process that is expected to end by itself."""
        self.wait_until(lambda: self.process.poll() is not None, deadline, "walbridge ends", must_run=False)
        return self.process.returncode

    def stop(self, deadline=30):
        """A polite end (SIGTERM); returns the exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(deadline * FACTOR)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"walbridge did not end within {deadline} s of SIGTERM\n{self.log_tail()}")
        return self.process.returncode

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)

    # -- questions ----------------------------------------------------------------------------------------------
    def cli(self, command, *arguments, timeout=60, check=False, file=True, after=()):
        """`walbridge COMMAND TASK.toml ARGUMENTS`; words without dashes come before the file, those in `after` behind it."""
        before = [a for a in arguments if not str(a).startswith("-")] if command == "ddl" else []
        words = [str(binary()), *command.split(), *before, *([str(self.task_file)] if file else []), *map(str, after),
                 *(str(a) for a in arguments if a not in before)]
        try:
            result = Result(subprocess.run(words, capture_output=True, text=True, timeout=timeout * FACTOR,
                                           env=self.environment(), stdin=subprocess.DEVNULL))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"`walbridge {command}` did not end within {timeout * FACTOR:.0f} s")
        if check and result.code != 0:
            raise AssertionError(f"walbridge {command}: {result!r}")
        return result

    def spawn(self, command, *arguments):
        """`walbridge COMMAND TASK.toml ARGUMENTS` in the background; its output goes to the applier's log."""
        with open(self.log, "a") as log:
            return subprocess.Popen([str(binary()), *command.split(), str(self.task_file), *arguments], stdin=subprocess.DEVNULL,
                                    stdout=log, stderr=subprocess.STDOUT, env=self.environment(), start_new_session=True)

    def status(self):
        return self.cli("status", "--json", check=True).json()

    def state(self):
        return self.status()["state"]

    def wait_state(self, state, deadline=60):
        states = {state} if isinstance(state, str) else set(state)
        self.wait_until(lambda: self.state() in states, deadline, f"state {state}")

    def wait_caught_up(self, timeout=60):
        """Everything committed on the source before this call is durable on the target. Ends early if the process does."""
        limit = int(timeout * FACTOR)
        began = time.monotonic()
        while True:
            code, output = self._wait_once(limit, timeout + 15)
            # A process that has just been started for the first time has not stored its task yet.
            if code == 0:
                return
            if "knows no such task" not in output or time.monotonic() - began > 30 * FACTOR:
                raise AssertionError(f"walbridge wait: exit {code}\n{output}\n{self.log_tail()}")

    def _wait_once(self, limit, deadline):
        waiting = subprocess.Popen([str(binary()), "wait", str(self.task_file), "--timeout", f"{limit}s"],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.environment(),
                                   stdin=subprocess.DEVNULL)
        try:
            wait_until(lambda: waiting.poll() is not None, deadline, "walbridge wait returns", check=self.check_alive)
            return waiting.returncode, waiting.stdout.read()
        finally:
            if waiting.poll() is None:
                waiting.kill()
                waiting.wait()
            waiting.stdout.close()

    def wait_until(self, condition, deadline=30, what=None, must_run=True):
        try:
            return wait_until(condition, deadline, what, check=self.check_alive if must_run else None)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log_tail(15)}") from None

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def log_tail(self, lines=30):
        return "\n".join(line[:2000] for line in self.log_text().splitlines()[-lines:])

    def wait_log(self, pattern, deadline=30, must_run=True):
        return self.wait_until(lambda: re.search(pattern, self.log_text()), deadline, f"log says {pattern!r}", must_run)

    def peak_memory(self):
        """Largest resident size so far in bytes (VmHWM); the process must still run."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmHWM")

    def sanitizer_report(self):
        text = self.log_text()
        found = SANITIZER_REPORT.search(text)
        return text[found.start():found.start() + 6000] if found else None
