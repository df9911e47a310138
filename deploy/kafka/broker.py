"""A single-node Kafka broker (KRaft) of this machine, living in one directory.

    DIR/bootstrap      127.0.0.1:PORT, written when the broker is ready; what clients connect to
    DIR/pid            of the process, as long as it should run
    DIR/ports          broker's and controller's; kept, so that a restart is found where it was
    DIR/server.properties, DIR/broker.log, DIR/data

Used by start, stop and status beside it, and by the tests that kill brokers. Standard library only.
"""
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
INSTALLED = REPOSITORY / "build/kafka"
READY = b"Kafka Server started"

# Below the range from which the system takes ports for outgoing connections: a client that retries
# while its broker is down could otherwise be given the broker's port, and connect to itself.
PORTS = range(20000, 32000)

COMMON = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    # One node: what a cluster of three would replicate, it holds alone.
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "auto.create.topics.enable": "false",
    # Fit a heap of 256 MB: the cleaner's default buffer alone is 128 MiB.
    "log.cleaner.dedupe.buffer.size": "8388608",
    "log.index.size.max.bytes": "1048576",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.num.partitions": "8",
}

# Tests wait for groups, sessions and abandoned transactions: seconds where production has minutes.
TEST = {
    # After a crash the controller refuses its own broker until the session of before is over.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
    "offsets.topic.num.partitions": "2",
    "transaction.state.log.num.partitions": "2",
    "log.index.size.max.bytes": "262144",
    "log.cleaner.dedupe.buffer.size": "4194304",
    "log.cleaner.backoff.ms": "1000",
}


class Refused(Exception):
    """What went wrong and what to do, in one line."""


def process_runs(pid):
    """Whether the process exists and has not ended unreaped."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port():
    for port in random.SystemRandom().sample(PORTS, 200):
        if is_free(port):
            return port
    raise Refused(f"no free port between {PORTS.start} and {PORTS.stop}")


def answers(address, seconds=2.0):
    """Whether a broker answers an ApiVersions request there: a stopped or wedged one does not."""
    host, _, port = address.rpartition(":")
    request = struct.pack(">hhih", 18, 0, 1, 6) + b"winnow"
    try:
        with socket.create_connection((host, int(port)), timeout=seconds) as connection:
            connection.settimeout(seconds)
            connection.sendall(struct.pack(">i", len(request)) + request)
            answer = connection.recv(10)
    except OSError:
        return False
    return len(answer) == 10 and answer[4:] == b"\0\0\0\1\0\0"


def java_options(heap, test):
    options = [f"-Xmx{heap}", "-Xms64m", "-XX:+UseSerialGC", "-Xshare:auto",
               f"-Dlog4j.configuration=file:{pathlib.Path(__file__).parent}/log4j.properties",
               "-Djava.awt.headless=true"]
    if test:
        options.append("-XX:TieredStopAtLevel=1")  # starts in half the time, runs a little slower
    return options


class Broker:
    """The broker of a directory, running or not. Not thread-safe."""

    def __init__(self, directory, installed=INSTALLED):
        self.directory = pathlib.Path(directory).resolve()
        self.installed = pathlib.Path(installed)
        self._child = None

    # -- what is --

    @property
    def bootstrap(self):
        return self._read("bootstrap")

    def pid(self):
        """The running broker's process id, or None; never that of a process which got the number
        since."""
        pid = self._read("pid")
        if not pid or not process_runs(pid):
            return None
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        return int(pid) if os.fsencode(self.directory / "server.properties") in command else None

    def resident_kb(self):
        status = pathlib.Path(f"/proc/{self.pid()}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    # -- start and stop --

    def start(self, port=0, heap="256m", test=False, settings=None, timeout=60, jvm=()):
        """Starts it, formatting the directory at first, and returns when it serves clients.

        Port 0: that of the last start here, else a free one. Does nothing if it runs already.
        """
        if self.pid() and self.bootstrap:
            return self.bootstrap
        self._require_jars()
        self.directory.mkdir(parents=True, exist_ok=True)
        ports = self._ports(port)
        self._write_properties(ports, TEST if test else {}, settings or {})
        options = java_options(heap, test) + list(jvm)
        if not (self.directory / "data/meta.properties").exists():
            self._format(options)
        self._launch(options)
        address = f"127.0.0.1:{ports[0]}"
        self._await_ready(address, timeout)
        (self.directory / "bootstrap").write_text(address + "\n")
        return address

    def stop(self, timeout=30):
        """Asks it to stop and waits for its end; whether one ran."""
        return self._end(signal.SIGTERM, timeout)

    def kill(self):
        """Ends it as a crash would; whether one ran."""
        return self._end(signal.SIGKILL, 10)

    def signal(self, number):
        os.kill(self.pid(), number)

    # -- how --

    def _read(self, name):
        try:
            return (self.directory / name).read_text().strip()
        except OSError:
            return ""

    def _require_jars(self):
        if not (self.installed / "lib").is_dir():
            raise Refused(f"no broker in {self.installed}: run deploy/kafka/install")
        if not shutil.which("java"):
            raise Refused("no java here: run deploy/packages/install kafka.txt")

    def _ports(self, wanted):
        """Those of the last start if they fit, else new ones."""
        last = [int(port) for port in self._read("ports").split()]
        if last and wanted in (0, last[0]):
            ports = last
        else:
            ports = [wanted or free_port(), free_port()]
        if not is_free(ports[0]):
            raise Refused(f"port {ports[0]} is taken")
        (self.directory / "ports").write_text(f"{ports[0]} {ports[1]}\n")
        return ports

    def _write_properties(self, ports, *overrides):
        broker, controller = (f"127.0.0.1:{port}" for port in ports)
        properties = dict(COMMON)
        properties["listeners"] = f"PLAINTEXT://{broker},CONTROLLER://{controller}"
        properties["advertised.listeners"] = f"PLAINTEXT://{broker}"
        properties["controller.quorum.voters"] = f"1@{controller}"
        properties["log.dirs"] = str(self.directory / "data")
        for more in overrides:
            properties.update(more)
        text = "".join(f"{key}={value}\n" for key, value in properties.items())
        (self.directory / "server.properties").write_text(text)

    def _java(self, options, main, *arguments):
        jars = sorted(str(jar) for jar in (self.installed / "lib").glob("*.jar"))
        archive = self.installed / "kafka.jsa"
        if archive.exists() and not any("ArchiveClassesAtExit" in option for option in options):
            options = options + [f"-XX:SharedArchiveFile={archive}"]
        return ["java", *options, "-cp", ":".join(jars), main, *arguments]

    def _format(self, options):
        options = [option for option in options if "ArchiveClassesAtExit" not in option]
        cluster = "".join(random.SystemRandom().choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef", k=21))
        done = subprocess.run(
            self._java(options, "kafka.tools.StorageTool", "format", "--ignore-formatted",
                       "--cluster-id", cluster + "A",
                       "--config", str(self.directory / "server.properties")),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Refused(f"cannot format {self.directory}: {done.stdout}{done.stderr}".strip())

    def _launch(self, options):
        (self.directory / "bootstrap").unlink(missing_ok=True)
        with open(self.directory / "broker.log", "ab") as log:
            self._log_start = log.tell()
            self._child = subprocess.Popen(
                self._java(options, "kafka.Kafka", str(self.directory / "server.properties")),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        (self.directory / "pid").write_text(f"{self._child.pid}\n")

    def _await_ready(self, address, timeout):
        def ended_or_ready():
            return self._child.poll() is not None or READY in self._log_of_this_start()
        in_time = wait_until(ended_or_ready, timeout)
        if self._child.poll() is None and in_time and answers(address):
            return
        self.kill()
        tail = self._log_of_this_start().decode(errors="replace").splitlines()[-5:]
        raise Refused("\n".join([f"did not start, see {self.directory}/broker.log:", *tail]))

    def _log_of_this_start(self):
        with open(self.directory / "broker.log", "rb") as log:
            log.seek(self._log_start)
            return log.read()

    def _end(self, number, timeout):
        pid = self.pid()
        if pid is None:
            (self.directory / "pid").unlink(missing_ok=True)
            return False
        os.kill(pid, number)
        os.kill(pid, signal.SIGCONT)
        ended = wait_until(lambda: self._reaped() or not process_runs(pid), timeout)
        if not ended:
            raise Refused(f"process {pid} still runs after {timeout} s: --kill ends it")
        # Of a killed process, threads can outlive the first one for a moment and hold the sockets.
        ports = [int(port) for port in self._read("ports").split()]
        wait_until(lambda: all(is_free(port) for port in ports), 5)
        (self.directory / "pid").unlink(missing_ok=True)
        return True

    def _reaped(self):
        return self._child is not None and self._child.poll() is not None
