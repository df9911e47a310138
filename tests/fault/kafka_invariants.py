"""What must hold after the chaos: the invariants (a) to (i), each a function that returns how it
was checked or raises Violation."""
import collections
import json
import subprocess

import kafka_ledger
import kafka_watch
import kafka_wire
import pipeline as local

MOST_RECOVERY_SECONDS = 60


State = collections.namedtuple("State", "changelog entries sha256")


class Violation(Exception):
    """What is wrong, with examples."""


def run(*command, allowed=(0,)):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    if done.returncode not in allowed:
        raise Violation(f"'{' '.join(str(word) for word in command)}' ended with "
                        f"{done.returncode}: {(done.stderr or done.stdout)[-2000:].strip()}")
    return done.stdout


def require_none(problems, what):
    if problems:
        examples = "; ".join(str(problem) for problem in problems[:5])
        raise Violation(f"{len(problems)} {what}: {examples}")


class Audit:
    def __init__(self, programs, services, scratch, garbage, feeder, reader):
        self.programs = programs
        self.winnow = programs / "winnow"
        self.services = services
        self.scratch = scratch
        self.garbage = garbage
        self.feeder = feeder
        self.reader = reader
        self.ledger = None
        self.recovery = []
        self.zombies = 0

    def run(self, recovery, zombies):
        """0 if every invariant holds."""
        self.recovery, self.zombies = recovery, zombies
        left = kafka_ledger.wait_until_drained(self.services.brokers, self.services.dataset, 120)
        if left:
            print(f"VIOLATED  not drained after 120 s, still to do: {left}")
        self.reader.finish()
        self.ledger = kafka_ledger.Ledger(kafka_wire.Connection(self.services.brokers),
                                          self.services.dataset)
        print(f"audit: {self.ledger.figures()}", flush=True)
        broken = bool(left)
        # (c) stops services and (i) sends again: they come last.
        for check in (self.a_conservation, self.b_committed_reader, self.e_no_open_transaction,
                      self.f_dataset, self.g_zombies, self.h_recovery, self.c_d_state,
                      self.i_dead_letters):
            try:
                print(f"holds     {check()}", flush=True)
            except (Violation, kafka_wire.KafkaError) as violation:
                broken = True
                print(f"VIOLATED  {check.__name__}: {violation}", flush=True)
        return 1 if broken else 0

    # -- the invariants --

    def a_conservation(self):
        require_none(self.ledger.problems(), "arrivals without exactly one outcome")
        figures = self.ledger.figures()
        ids = figures["ids"]
        if ids != len(self.feeder.pictures):
            raise Violation(f"{len(self.feeder.pictures)} pictures fed, {ids} ids arrived")
        self._require_same(self._winnow_audit()["figures"], figures)
        return (f"(a) {figures['arrivals']} arrivals, of {ids} images and {len(self.garbage)} "
                "pieces of garbage, have one outcome each, by origin and by id; "
                "winnow audit agrees")

    @staticmethod
    def _require_same(audited, counted):
        names = ("arrivals", "ids", "stored_ids", "rejected", "review", "deferred_ids", "dead")
        require_none([f"{name}: {audited[name]} says winnow audit, {counted[name]} are there"
                      for name in names if audited[name] != counted[name]], "figures that differ")

    def _winnow_audit(self):
        report = self.scratch / "audit.json"
        run(self.winnow, "audit", "--brokers", self.services.brokers, "--dataset",
            self.services.dataset, "--wait", "60", "--json", report)
        return json.loads(report.read_text())

    def b_committed_reader(self):
        reader = self.reader
        require_none(reader.early, "records seen before their offset was committed")
        require_none(reader.repeated, "arrivals seen twice")
        now = {(message.partition, message.offset): message.headers.get("winnow-origin", "")
               for message in self.ledger.read(reader.topic)}
        require_none(sorted(set(reader.seen.items()) ^ set(now.items())),
                     "records that came or went after they were read")
        return (f"(b) {len(reader.seen)} records of {reader.topic} read as they were committed, "
                "each after its offset, none gone since")

    def c_d_state(self):
        survivors = {stage: self._stopped_digests(stage) for stage in local.STATEFUL}
        behind = [f"{stage}/{partition}" for stage in local.STATEFUL
                  for partition, digest in survivors[stage].items()
                  if digest.changelog > self.ledger.connection.offset(
                      f"{stage}.changelog", partition)]
        require_none(behind, "stores ahead of their changelog")
        compared = entries = 0
        for stage in local.STATEFUL:
            rebuilt = self._rebuilt_digests(stage, len(survivors[stage]))
            for partition, digest in survivors[stage].items():
                # The offsets may differ by markers of transactions.
                if partition not in rebuilt or rebuilt[partition][1:] != digest[1:]:
                    raise Violation(f"{stage}/{partition}: survivor {digest}, "
                                    f"rebuilt {rebuilt.get(partition)}")
                compared += 1
                entries += digest.entries
        return (f"(c) state of {compared} partitions, {entries} entries, equals what empty disks "
                "restored from the changelogs\n"
                "holds     (d) no store is ahead of the last stable offset of its changelog")

    def _stopped_digests(self, stage):
        """By partition, of the instance that has followed its changelog furthest."""
        instances = self.services.of_stage(stage)
        late = [each.name for each in instances if not self._stop(each)]
        require_none(late, "services that did not stop in time")
        found = {}
        for directory in sorted((self.services.directory / "state").glob(f"{stage}-*")):
            for partition, digest in self._digest(directory).items():
                if partition not in found or digest.changelog > found[partition].changelog:
                    found[partition] = digest
        return found

    @staticmethod
    def _stop(instance):
        instance.ask_to_stop()
        return instance.wait_for_end(25)

    def _digest(self, directory):
        text = run(self.winnow, "state", "digest", directory)
        found = {}
        for line in text.splitlines():
            words = line.split()
            fields = dict(zip(words[::2], words[1::2]))
            found[int(fields["partition"])] = State(int(fields["changelog"]),
                                                    int(fields["entries"]), fields["sha256"])
        return found

    def _rebuilt_digests(self, stage, partitions):
        """One instance with an empty disk takes all partitions over, those of the others as soon as
        their sessions are over."""
        for directory in list((self.services.directory / "state").glob(f"{stage}-*")):
            directory.rename(self.services.directory / f"survivor-{directory.name}")
        instance = self.services.of_stage(stage)[0]
        instance.run()
        if not local.supervised.wait_until(
                lambda: instance.is_ready() and kafka_watch.held(instance) >= partitions, 60):
            raise Violation(f"{instance.name} does not hold them all: {instance.last_lines()}")
        if not self._stop(instance):
            raise Violation(f"{instance.name} did not stop in time")
        return self._digest(instance.state_directory)

    def e_no_open_transaction(self):
        connection = self.ledger.connection
        settled = ("Empty", "CompleteCommit", "CompleteAbort")
        states = connection.transactions()
        require_none([f"{name}: {state}" for name, state in states.items() if state not in settled],
                     "transactions not settled")
        held = [f"{topic}/{partition}"
                for topic, count in connection.partitions().items() for partition in range(count)
                if connection.offset(topic, partition) != connection.offset(
                    topic, partition, isolation=kafka_wire.READ_UNCOMMITTED)]
        require_none(held, "partitions whose last stable offset is held back")
        return (f"(e) the broker lists {len(states)} transactional ids, all settled; the last "
                "stable offset of every partition is its end")

    def f_dataset(self):
        require_none(self.ledger.dataset_problems(), "faults of the dataset")
        run(self.winnow, "verify", self.services.dataset)
        parts = self.ledger.parts()
        return (f"(f) {len(parts)} parts with {len(self.ledger.stored_ids())} images: ranges "
                "gapless and disjoint, SHA-256 right, no id twice, nothing left in staging; "
                "winnow verify agrees")

    def g_zombies(self):
        if not self.zombies:
            raise Violation("no zombie was made: nothing shown")
        return (f"(g) {self.zombies} zombies woke after their session was over; none committed "
                "anything: (a) finds no arrival with two outcomes, (f) no range published twice")

    def h_recovery(self):
        require_none([what for what, seconds in self.recovery if seconds is None],
                     "services that did not come back")
        worst = max(seconds for _, seconds in self.recovery)
        if worst > MOST_RECOVERY_SECONDS:
            raise Violation(f"{worst:.1f} s to recover, more than {MOST_RECOVERY_SECONDS}")
        return (f"(h) {len(self.recovery)} recoveries, each until ready and working again, all "
                f"within {MOST_RECOVERY_SECONDS} s")

    def i_dead_letters(self):
        dead = {message.headers.get("winnow-origin"): message for message in self.ledger.dead}
        if set(dead) != set(self.garbage):
            raise Violation(f"sent {sorted(self.garbage)}, dead {sorted(map(str, dead))}")
        wrong = [origin for origin, message in dead.items()
                 if message.value != self.garbage[origin]
                 or message.headers.get("winnow-dead-message") != origin
                 or message.headers.get("winnow-dead-stage") != "validator"
                 or message.headers.get("winnow-dead-reason") != "undecodable"]
        require_none(wrong, "dead letters that differ or do not say why")
        run(self.winnow, "replay", "dead", "--all", "--brokers", self.services.brokers)
        driven = sum(1 for value in self.garbage.values() if value)  # nothing is not worth it
        if not local.supervised.wait_until(lambda: self._dead_letters() == len(dead) + driven, 30):
            raise Violation(f"{driven} driven again after {len(dead)} dead letters, "
                            f"{self._dead_letters()} are there")
        self._winnow_audit()
        return (f"(i) {len(dead)} dead letters, byte for byte as sent, name topic, partition, "
                f"offset and reason; winnow replay drove the {driven} that hold something, they "
                "died again, the audit stays sound")

    def _dead_letters(self):
        return sum(1 for _ in self.ledger.read("images.dead"))
