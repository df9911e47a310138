"""A service as its operator sees it: log, pages, exit code, and the text an orchestrator keeps of
its end. Standard library only."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
DEPLOY = HERE.parents[1] / "deploy"
sys.path[:0] = [str(DEPLOY / "local"), str(DEPLOY / "kafka")]

import broker as kafka  # noqa: E402
import pipeline as local  # noqa: E402

# What the kubelet keeps of a log as termination message, FallbackToLogsOnError.
MESSAGE_BYTES, MESSAGE_LINES = 2048, 80
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def clean_environment(changes=None):
    """Without the settings of whoever runs the test."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("WINNOW_")}
    return {**ours, **(changes or {})}


def termination_message(text):
    """Of a container's log, as Kubernetes shows it in `kubectl describe pod`."""
    lines = "\n".join(text.splitlines()[-MESSAGE_LINES:])
    return lines.encode()[-MESSAGE_BYTES:].decode(errors="replace")


def events(text):
    """The log's lines that are JSON."""
    found = []
    for line in text.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            pass  # of a process that had no log yet
    return found


def metric(page, name, **labels):
    """The value of the one sample with these labels, or None."""
    for metric_name, text, value in SAMPLE.findall(page):
        if metric_name == name and labels.items() <= dict(LABEL.findall(text)).items():
            return float(value)
    return None


class Program:
    """One process of a service, started at once. Its output is in `log`."""

    def __init__(self, binaries, stage, settings, port, log, environment=None):
        self.stage, self.settings, self.port, self.log = stage, settings, port, log
        self.command = [str(binaries / f"winnow-{stage}"), "--config", str(settings)]
        self.environment = clean_environment(environment)
        with open(log, "wb") as output:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, env=self.environment)

    def text(self):
        return self.log.read_text(errors="replace")

    def last_line(self):
        return (self.text().splitlines() or [""])[-1]

    def page(self, path):
        return local.answer_of(self.port, path)

    def failing(self):
        """{check: why} of /readyz; {} if it is ready, None if nobody answers."""
        status, body = self.page("/readyz")
        return json.loads(body).get("failing", {}) if status in (200, 503) else None

    def metric(self, name, **labels):
        return metric(self.page("/metrics")[1], name, **labels)

    def health(self):
        """The finished `--health`."""
        return subprocess.run([*self.command, "--health"], capture_output=True, text=True,
                              timeout=30, env=self.environment, check=False)

    def is_ready(self):
        return self.page("/readyz")[0] == 200

    def wait_for_exit(self, seconds):
        """Its exit code, or None if it lives on."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def ask_to_stop(self):
        self.process.send_signal(signal.SIGTERM)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class SmallVolume:
    """A file system of its own at `place`, that can be filled up and freed again."""

    def __init__(self, place, megabytes):
        self.place = pathlib.Path(place)
        self.place.mkdir(parents=True, exist_ok=True)
        self.ballast = self.place / "ballast"
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs",
                                  str(self.place)], capture_output=True, check=False)
        self.mounted = mounted.returncode == 0

    def fill(self):
        """To the last page."""
        block = b"\0" * 4096
        with open(self.ballast, "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(block)
            except OSError:
                pass

    def make_room(self):
        self.ballast.unlink(missing_ok=True)

    def unmount(self):
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.place)], check=True)
