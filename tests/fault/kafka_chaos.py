"""The real services on a real broker, disturbed at random while images flow; then an audit.

usage: kafka_chaos.py BIN_DIR SPEC [--images N] [--disturbances N] [--seed N] [--keep DIR]

kill -9 of every service, of the broker and of the feeding process; SIGSTOP past the session
timeout, then SIGCONT (a zombie); instances added and taken away. Afterwards invariants (a) to (i)
are checked, each printed with how it was checked. Exit code 1 if one is violated,
77 (skipped) without an installed broker.
"""
import argparse
import json
import pathlib
import random
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
DEPLOY = HERE.parents[1] / "deploy"
sys.path[:0] = [str(DEPLOY / "local"), str(DEPLOY / "kafka")]

import broker as kafka  # noqa: E402
import kafka_feed  # noqa: E402
import kafka_invariants  # noqa: E402
import kafka_watch  # noqa: E402
import pipeline as local  # noqa: E402

SESSION_TIMEOUT = 3.0
SETTINGS = {
    "kafka.session_timeout_ms": int(SESSION_TIMEOUT * 1000),
    "kafka.transaction_timeout_ms": 8000,
    "commit.interval_ms": 100,
    "blobs.inline_max_bytes": 8000,  # of pictures of 9 kB in the mean: both ways are used
    "lanes": 2,
    "drain_seconds": 15,
    "fenced_linger_seconds": 0,
    "sink.seal_when_idle_seconds": 3,
}
INSTANCES = {"validator": 2, "privacy-blurrer": 2, "deduper": 2, "balancer": 2, "sink": 2}
READY_SECONDS = 90


class Chaos:
    """The disturbances. Each returns a line for the diary, or None if there was nothing to do."""

    def __init__(self, services, broker, feeder, chance):
        self.services = services
        self.broker = broker
        self.feeder = feeder
        self.chance = chance
        self.recovery = kafka_watch.Recovery()
        self.counts = {}
        self.zombies = []
        self._next_number = max(INSTANCES.values())

    def plan(self, count):
        """One of each kind at least, in random order."""
        kinds = [(self.kill, stage) for stage in local.STAGES]
        kinds += [(self.kill_broker, None), (self.kill_feeder, None), (self.replace, "validator"),
                  (self.freeze, "validator"), (self.freeze, "deduper"), (self.freeze, "balancer"),
                  (self.freeze, "sink"), (self.replace, "deduper"), (self.replace, "sink")]
        more = [self.chance.choice(kinds) for _ in range(count - len(kinds))]
        planned = kinds + more
        self.chance.shuffle(planned)
        return planned

    def disturb(self, action, stage):
        line = action(stage) if stage else action()
        if line:
            name = action.__name__
            self.counts[name] = self.counts.get(name, 0) + 1
        return line

    def _victim(self, stage):
        """Mostly the one that works: of a collection's single partition there is only one owner."""
        candidates = [each for each in self.services.of_stage(stage) if each.pid()]
        if not candidates:
            return None
        if self.chance.random() < 0.75:
            return kafka_watch.busiest(candidates)
        return self.chance.choice(candidates)

    def kill(self, stage):
        victim = self._victim(stage)
        if victim is None:
            return None
        pid = victim.pid()
        victim.kill()
        thread = self.recovery.watch(f"kill {victim.name}", victim, killed=pid)
        self._sometimes_wait(thread)
        return f"kill -9 {victim.name}"

    def kill_broker(self):
        began = time.monotonic()
        self.broker.kill()
        time.sleep(self.chance.uniform(0, 3))
        self.broker.start(test=True, heap="384m")
        away = time.monotonic() - began
        for instance in self.services.instances.values():
            self.recovery.watch(f"broker killed: {instance.name}", instance, began)
        return f"kill -9 broker, back after {away:.1f} s"

    def kill_feeder(self):
        if not kafka.wait_until(self.feeder.is_feeding, 3):
            return None
        time.sleep(self.chance.uniform(0, 0.2))
        return "kill -9 ingest" if self.feeder.kill() else None

    def freeze(self, stage):
        """Longer than the session: the group gives its partitions away while it sleeps."""
        victim = self._victim(stage)
        if victim is None or not victim.signal(signal.SIGSTOP):
            return None
        pid, seconds = victim.pid(), SESSION_TIMEOUT + self.chance.uniform(0.5, 3)
        zombie = threading.Thread(target=self._wake, args=(victim, pid, seconds))
        zombie.start()
        self.zombies.append(zombie)
        if self.chance.random() < 0.5:
            zombie.join()
        return f"SIGSTOP {victim.name} for {seconds:.1f} s"

    def _wake(self, victim, pid, seconds):
        time.sleep(seconds)
        if victim.pid() == pid:
            victim.signal(signal.SIGCONT)
            self.recovery.watch(f"woken {victim.name}", victim)

    def replace(self, stage):
        """A new instance joins, another one leaves for good."""
        leaving = self._victim(stage)
        joining = self.services.add(stage, self._next_number, kafka.free_port())
        self._next_number += 1
        joining.run()
        self.recovery.watch(f"joined {joining.name}", joining)
        if leaving is None:
            return f"{joining.name} joins"
        leaving.ask_to_stop()
        if not leaving.wait_for_end(25):
            raise SystemExit(f"{leaving.name} did not stop within its drain time")
        del self.services.instances[leaving.name]
        return f"{joining.name} joins, {leaving.name} leaves"

    def _sometimes_wait(self, thread):
        if self.chance.random() < 0.4:
            thread.join(READY_SECONDS)


def start_services(services):
    for stage, count in INSTANCES.items():
        for number in range(count):
            services.add(stage, number, kafka.free_port()).run()
    await_ready(services)


def await_ready(services):
    deadline = time.monotonic() + READY_SECONDS
    waiting = list(services.instances.values())
    while waiting:
        waiting = [each for each in waiting if not each.is_ready()]
        broken = [each for each in waiting if each.gave_up()]
        if broken or (waiting and time.monotonic() > deadline):
            each = (broken or waiting)[0]
            _, reason = local.answer_of(each.port, "/readyz")
            sys.exit("\n".join([f"{each.name} is not ready: {reason} {each.state()}",
                                *each.last_lines(20)]))
        time.sleep(0.05)


def disturb_while_feeding(chaos, feeder, disturbances, pace):
    planned = chaos.plan(disturbances)
    portions = feeder.slices(len(planned) + 1)
    feeder.start()
    began = time.monotonic()
    for portion, (action, stage) in zip(portions, planned):
        feeder.feed(portion)
        if action != chaos.kill_feeder:  # which is done in a moment
            time.sleep(chaos.chance.uniform(0.05, pace))
        line = chaos.disturb(action, stage)
        print(f"  {time.monotonic() - began:6.1f} s  {line or 'nothing to ' + action.__name__}",
              flush=True)
    feeder.feed(portions[-1])
    for zombie in chaos.zombies:
        zombie.join()
    if not feeder.finish(120):
        sys.exit("feeding did not end, see run/ingest.log")
    return time.monotonic() - began


def restarts(scratch):
    """By supervisors: of what was killed, and of what ended by itself (fenced)."""
    return sum(json.loads(path.read_text())["starts"] - 1
               for path in (scratch / "run").glob("*.json"))


def report_recovery(recovery):
    """Seconds of each, None for one that never came back."""
    recovery.wait()
    taken = sorted(pair for pair in recovery.seconds if pair[1] is not None)
    seconds = [pair[1] for pair in taken]
    worst = max(taken, key=lambda pair: pair[1])
    print(f"recovery: {len(taken)} measured, median {statistics.median(seconds):.1f} s, "
          f"worst {worst[1]:.1f} s ({worst[0]})")
    return recovery.seconds


def run(args, scratch):
    chance = random.Random(args.seed)
    programs = pathlib.Path(args.bin_dir).resolve()
    broker = kafka.Broker(scratch / "broker")
    services = None
    try:
        bootstrap = broker.start(test=True, heap="384m")
        kafka_invariants.run(programs / "winnow", "topics", "apply", DEPLOY / "topics.yaml",
                             "--brokers", bootstrap, "--replication", "1")
        pictures = kafka_feed.make_pictures(programs / "make_pictures", scratch / "pictures",
                                            args.images, (160, 120))
        services = local.Pipeline(scratch, programs, bootstrap, args.spec, settings=SETTINGS)
        start_services(services)
        garbage = kafka_feed.send_garbage(bootstrap, 7, chance)
        feeder = kafka_feed.Feeder(programs / "winnow", args.spec, bootstrap, pictures, scratch,
                                   SETTINGS["blobs.inline_max_bytes"])
        reader = kafka_watch.CommittedReader(bootstrap, "images.valid", "winnow-validator",
                                             "images.raw")
        reader.start()
        chaos = Chaos(services, broker, feeder, chance)
        seconds = disturb_while_feeding(chaos, feeder, args.disturbances, args.pace)
        recovery = report_recovery(chaos.recovery)
        print(f"{args.images} images, {len(garbage)} messages of garbage fed in {seconds:.0f} s; "
              + ", ".join(f"{count} x {name}" for name, count in sorted(chaos.counts.items()))
              + f"; {restarts(scratch)} restarts, {feeder.kills} of ingest", flush=True)
        audit = kafka_invariants.Audit(programs, services, scratch, garbage, feeder, reader)
        return audit.run(recovery, len(chaos.zombies))
    finally:
        if services:
            late = services.stop(20)
            if late:
                print(f"killed after their drain time: {', '.join(late)}")
        broker.stop() if broker.pid() else None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin_dir")
    parser.add_argument("spec")
    parser.add_argument("--images", type=int, default=800)
    parser.add_argument("--disturbances", type=int, default=16)
    parser.add_argument("--pace", type=float, default=1.5, help="seconds between two, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, help="work here, and leave everything")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # stops what was started
    if not (kafka.INSTALLED / "lib").is_dir():
        print("no broker installed: deploy/kafka/install")
        sys.exit(77)
    print(f"seed {args.seed}", flush=True)
    if args.keep:
        shutil.rmtree(args.keep, ignore_errors=True)
        args.keep.mkdir(parents=True)
        sys.exit(run(args, args.keep.resolve()))
    with tempfile.TemporaryDirectory(prefix="winnow-chaos-") as scratch:
        sys.exit(run(args, pathlib.Path(scratch)))


if __name__ == "__main__":
    main()
