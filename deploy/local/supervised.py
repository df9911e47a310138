"""Programs under `supervise`, seen and stopped from outside. Standard library only."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "kafka"))
from broker import process_runs, wait_until  # noqa: E402  (its folder is no package)


class Supervised:
    """The program NAME of a directory, running or not. Not thread-safe."""

    def __init__(self, directory, name):
        self.directory = pathlib.Path(directory)
        self.name = name
        self._child = None

    @property
    def log(self):
        return self.directory / f"{self.name}.log"

    def state(self):
        """What `supervise` wrote last; empty if it never ran."""
        try:
            return json.loads((self.directory / f"{self.name}.json").read_text())
        except (OSError, ValueError):
            return {}

    def supervisor(self):
        """Process id of the running supervisor, or None."""
        pid = self.state().get("supervisor")
        return pid if pid and self._is_supervisor(pid) else None

    def pid(self):
        """Process id of the running program, or None while it is down."""
        pid = self.state().get("pid")
        return pid if pid and process_runs(pid) else None

    def gave_up(self):
        """Whether it ended by itself and is not started again."""
        return bool(self.state()) and self.supervisor() is None

    def start(self, command, environment=None):
        """Returns once the program was started for the first time."""
        if self.supervisor():
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / f"{self.name}.json").unlink(missing_ok=True)
        with open(self.log, "ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, str(HERE / "supervise"), str(self.directory), self.name, *command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **(environment or {})}, start_new_session=True)
        wait_until(lambda: self.state() or self._child.poll() is not None, 10)

    def kill(self):
        """Ends the program as a crash would; its supervisor starts it again. Whether it ran."""
        return self.signal(signal.SIGKILL)

    def signal(self, number):
        pid = self.pid()
        if pid is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def ask_to_stop(self):
        supervisor = self.supervisor()
        if supervisor:
            os.kill(supervisor, signal.SIGTERM)

    def wait_for_end(self, seconds):
        """Whether it ended in time; afterwards it has ended in any case."""
        in_time = wait_until(lambda: not self._alive(), seconds)
        if not in_time:
            for pid in (self.supervisor(), self.pid()):
                if pid:
                    os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not self._alive(), 10)
        return in_time

    def last_lines(self, count=5):
        try:
            return self.log.read_text(errors="replace").splitlines()[-count:]
        except OSError:
            return []

    def _alive(self):
        if self._child is not None:
            self._child.poll()  # reaps it
        return self.supervisor() is not None or self.pid() is not None

    def _is_supervisor(self, pid):
        """A pid that the system has given to another process since is not it."""
        if not process_runs(pid):
            return False
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return os.fsencode(self.name) in command and os.fsencode(str(self.directory)) in command


def stop_all(programs, seconds):
    """Asks all at once, waits for all; those that had to be killed."""
    for program in programs:
        program.ask_to_stop()
    deadline = time.monotonic() + seconds
    return [program.name for program in programs
            if not program.wait_for_end(max(0.0, deadline - time.monotonic()))]
