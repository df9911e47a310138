"""A broker that is killed and stays away for longer than sessions and transactions last, while
images are fed to the services without a break.

usage: long_outage.py BIN_DIR SPEC [--images N] [--outage SECONDS] [--keep DIR]

Meanwhile every service lives (/healthz), says what is wrong (/readyz names `reachable`), keeps
within its memory and does not spin. Afterwards each goes on by itself or after one restart, and
every image has one outcome, by `winnow audit` and by the ledger that shares no code with it. Exit
code 1 if not, 77 (skipped) without an installed broker.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
DEPLOY = HERE.parents[1] / "deploy"
sys.path[:0] = [str(DEPLOY / "local"), str(DEPLOY / "kafka")]

import broker as kafka  # noqa: E402
import kafka_feed  # noqa: E402
import kafka_invariants  # noqa: E402
import kafka_ledger  # noqa: E402
import kafka_watch  # noqa: E402
import kafka_wire  # noqa: E402
import pipeline as local  # noqa: E402

SETTINGS = {
    "kafka.session_timeout_ms": 6000,
    "kafka.transaction_timeout_ms": 10000,
    "commit.interval_ms": 100,
    "blobs.inline_max_bytes": 8000,
    "lanes": 1,
    "drain_seconds": 10,
    "fenced_linger_seconds": 0,
    "sink.seal_when_idle_seconds": 2,
}
READY_SECONDS = 60
FED_BEFORE = 0.25  # of the images; as many while the broker is away, the rest afterwards
NOTICED_SECONDS = 10.0
RECOVERED_SECONDS = 40.0
MOST_CPU_SHARE = 0.25
MOST_GROWTH_KB = 48 * 1024
MOST_RESTARTS = 1


def resident_kb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


class Watched:
    """What one service did from `begin` on: a process that took another's place counts anew."""

    def __init__(self, instance):
        self.instance = instance
        self.noticed = None  # seconds until it said so
        self.unhealthy = self.ready = 0  # answers that should not have been
        self.wrong = ""
        self.most_kb = self.base_kb = self._resident()
        self.starts = instance.state()["starts"]
        self.began = time.monotonic()
        self._pid, self._cpu = instance.pid(), 0.0
        self._cpu_base = cpu_seconds(self._pid)

    def _resident(self):
        try:
            return resident_kb(self.instance.pid())
        except OSError:
            return 0

    def look(self):
        """Once; a process between two runs answers nothing, which its supervisor mends."""
        pid = self.instance.pid()
        if pid is None:
            return
        status, body = local.answer_of(self.instance.port, "/readyz")
        if status == 503 and "reachable" in json.loads(body)["failing"]:
            self.noticed = self.noticed or time.monotonic() - self.began
        elif status == 200 and time.monotonic() - self.began > NOTICED_SECONDS:
            self.ready += 1
        live, body = local.answer_of(self.instance.port, "/healthz")
        if live not in (0, 200):
            self.unhealthy += 1
            self.wrong = body
        self.most_kb = max(self.most_kb, self._resident())
        self._add_cpu(pid)

    def _add_cpu(self, pid):
        try:
            now = cpu_seconds(pid)
        except OSError:
            return
        if pid != self._pid:
            self._pid, self._cpu_base = pid, 0.0
        self._cpu += now - self._cpu_base
        self._cpu_base = now

    def cpu_share(self):
        return self._cpu / (time.monotonic() - self.began)

    def restarts(self):
        return self.instance.state()["starts"] - self.starts

    def verdict(self):
        """Whether it behaved while the broker was away, and the line that says so."""
        grown = self.most_kb - self.base_kb
        share = self.cpu_share()
        holds = (self.noticed is not None and self.noticed <= NOTICED_SECONDS
                 and not self.unhealthy and not self.ready and grown <= MOST_GROWTH_KB
                 and share <= MOST_CPU_SHARE and self.restarts() <= MOST_RESTARTS)
        noticed = "never" if self.noticed is None else f"after {self.noticed:.1f} s"
        return holds, (f"{self.instance.name}: not reachable {noticed}, {self.ready} x ready "
                       f"since, {self.unhealthy} x unhealthy {self.wrong}, {share:.0%} of a core, "
                       f"{self.base_kb // 1024} MB and {grown // 1024} more, "
                       f"{self.restarts()} restarts")


class Test:
    def __init__(self, args, scratch):
        self.outage = args.outage
        self.images = args.images
        self.scratch = scratch
        self.programs = pathlib.Path(args.bin_dir).resolve()
        self.spec = pathlib.Path(args.spec).resolve()
        self.broker = kafka.Broker(scratch / "broker")
        self.services = self.feeder = None
        self.broken = False

    def tell(self, holds, what):
        self.broken = self.broken or not holds
        print(f"{'holds   ' if holds else 'VIOLATED'}  {what}", flush=True)

    def run(self):
        """0 if everything holds."""
        try:
            self.set_up()
            portions = self.portions()
            self.feed_before(portions[0])
            watched = self.go_without_broker(portions[1])
            self.recover(watched, portions[2])
            self.account()
        finally:
            if self.services:
                self.services.stop(15)
            if self.broker.pid():
                self.broker.stop()
        return 1 if self.broken else 0

    def set_up(self):
        bootstrap = self.start_broker()
        kafka_invariants.run(self.programs / "winnow", "topics", "apply", DEPLOY / "topics.yaml",
                             "--brokers", bootstrap, "--replication", 1, "--partitions", 2)
        pictures = kafka_feed.make_pictures(self.programs / "make_pictures",
                                            self.scratch / "pictures", self.images, (160, 120))
        self.services = local.Pipeline(self.scratch, self.programs, bootstrap, self.spec,
                                       settings=SETTINGS)
        for stage in local.STAGES:
            self.services.add(stage, 0, kafka.free_port()).run()
        self.feeder = kafka_feed.Feeder(self.programs / "winnow", self.spec, bootstrap, pictures,
                                        self.scratch, SETTINGS["blobs.inline_max_bytes"])
        if not kafka.wait_until(self.all_ready, READY_SECONDS):
            sys.exit("services are not ready, see run/*.log")

    def start_broker(self):
        return self.broker.start(test=True, heap="384m")

    def all_ready(self):
        return all(each.is_ready() for each in self.services.instances.values())

    def portions(self):
        first = int(self.images * FED_BEFORE)
        pictures = self.feeder.pictures
        return pictures[:first], pictures[first:2 * first], pictures[2 * first:]

    def feed_before(self, portion):
        """Until some are done and others are being done: these the broker takes with it."""
        self.feeder.start()
        half = len(portion) // 2
        self.feeder.feed(portion[:half])
        validator = self.services.instances["validator-0"]
        if not kafka.wait_until(
                lambda: kafka_watch.total(validator.port, "winnow_records_total") >= half / 2, 30):
            sys.exit("nothing is processed, see run/*.log")
        self.feeder.feed(portion[half:])
        connection = kafka_wire.Connection(self.services.brokers)
        partitions = connection.partitions()
        if not kafka.wait_until(
                lambda: kafka_ledger.unread(connection, partitions, "validator") > 0, 10):
            sys.exit("nothing is under way, see run/ingest.log")

    def go_without_broker(self, portion):
        self.broker.kill()
        watched = [Watched(each) for each in self.services.instances.values()]
        self.feeder.feed(portion)
        until = time.monotonic() + self.outage
        while time.monotonic() < until:
            for each in watched:
                each.look()
            time.sleep(0.2)
        for each in watched:
            self.tell(*each.verdict())
        return watched

    def recover(self, watched, portion):
        before = {each.instance.name: each.restarts() for each in watched}
        began = time.monotonic()
        self.start_broker()
        back = time.monotonic()
        times = {}

        def recovered():
            for each in watched:
                name = each.instance.name
                if name not in times and each.instance.is_ready():
                    times[name] = time.monotonic() - back
            return len(times) == len(watched)
        self.feeder.feed(portion)
        in_time = kafka.wait_until(recovered, RECOVERED_SECONDS)
        restarts = {each.instance.name: each.restarts() for each in watched}
        said = ", ".join(f"{each.instance.name} {self.seconds(times, each)}"
                         + (f" ({restarts[each.instance.name]} restarts)"
                            if restarts[each.instance.name] else "") for each in watched)
        self.tell(in_time and max(restarts.values()) <= MOST_RESTARTS
                  and self.only_unavailable(watched),
                  f"broker back after {back - began:.1f} s; then ready after: {said}; restarts "
                  f"during the outage {sum(before.values())}, all {sum(restarts.values())}")

    @staticmethod
    def seconds(times, each):
        taken = times.get(each.instance.name)
        return "never" if taken is None else f"{taken:.1f} s"

    @staticmethod
    def only_unavailable(watched):
        """Who ended, ended with 1: what a restart mends."""
        return all(each.instance.state()["last_exit"] in (None, 1) for each in watched)

    def account(self):
        began = time.monotonic()
        if not self.feeder.finish(60):
            self.tell(False, "feeding does not end, see run/ingest.log")
        left = kafka_ledger.wait_until_drained(self.services.brokers, self.services.dataset, 60)
        self.tell(not left, f"everything drained {time.monotonic() - began:.1f} s later "
                            f"{left or ''}")
        ledger = kafka_ledger.Ledger(kafka_wire.Connection(self.services.brokers),
                                     self.services.dataset)
        figures = ledger.figures()
        problems = ledger.problems() + ledger.dataset_problems()
        self.tell(not problems and figures["ids"] == self.images,
                  f"of {self.images} images {figures}, ingest run {self.feeder.runs} times: "
                  f"{'; '.join(problems[:5]) or 'one outcome each'}")
        try:
            kafka_invariants.run(self.programs / "winnow", "audit", "--brokers",
                                 self.services.brokers, "--dataset", self.services.dataset,
                                 "--wait", 20)
            self.tell(True, "winnow audit agrees")
        except kafka_invariants.Violation as violation:
            self.tell(False, str(violation))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin_dir")
    parser.add_argument("spec")
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--outage", type=float, default=25.0)
    parser.add_argument("--keep", type=pathlib.Path, help="work here, and leave everything")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # stops what was started
    if not (kafka.INSTALLED / "lib").is_dir():
        print("no broker installed: deploy/kafka/install")
        sys.exit(77)
    if args.keep:
        shutil.rmtree(args.keep, ignore_errors=True)
        args.keep.mkdir(parents=True)
        sys.exit(Test(args, args.keep.resolve()).run())
    with tempfile.TemporaryDirectory(prefix="winnow-outage-") as scratch:
        sys.exit(Test(args, pathlib.Path(scratch)).run())


if __name__ == "__main__":
    main()
