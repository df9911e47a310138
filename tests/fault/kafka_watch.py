"""What is watched while the chaos goes on: how long things take to recover, and whether a committed
record ever shows before the offset that produced it."""
import re
import threading
import time

import kafka_wire
import pipeline as local

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


def samples(port, name):
    """Values of a metric: [(labels as text, value)]; empty if nobody answers."""
    status, text = local.answer_of(port, "/metrics", seconds=1.0)
    if status != 200:
        return []
    return [(labels, float(value)) for metric, labels, value in SAMPLE.findall(text)
            if metric == name]


def total(port, name):
    return sum(value for _, value in samples(port, name))


def busiest(instances):
    """The instance that has worked most since it started: the one worth disturbing."""
    return max(instances, key=lambda each: total(each.port, "winnow_records_total"))


def held(instance):
    """How many partitions it reads."""
    return len(samples(instance.port, "winnow_consumer_lag_records"))


class Recovery:
    """Times from a disturbance until everyone concerned is ready and moves on (or has nothing left
    to do), each measured by a thread of its own."""

    def __init__(self, limit=90.0):
        self.limit = limit
        self.seconds = []  # (what, seconds), None for one that never came back
        self._threads = []

    def watch(self, what, instance, began=None, killed=None):
        """`killed` is the process that must not be the answer any more."""
        thread = threading.Thread(target=self._measure, daemon=True,
                                  args=(what, instance, began or time.monotonic(), killed))
        thread.start()
        self._threads.append(thread)
        return thread

    def wait(self):
        for thread in self._threads:
            thread.join(self.limit)

    def _measure(self, what, instance, began, killed):
        while not self._is_back(instance, killed):
            if time.monotonic() - began > self.limit:
                self.seconds.append((what, None))
                return
            time.sleep(0.05)
        self.seconds.append((what, time.monotonic() - began))

    @staticmethod
    def _is_back(instance, killed):
        if instance.supervisor() is None:
            return True  # taken out of service meanwhile
        if instance.pid() in (None, killed):
            return False
        return instance.is_ready() and moves(instance)


def moves(instance):
    """Something was done since the process began, or there is nothing to do."""
    lag = total(instance.port, "winnow_consumer_lag_records")
    return lag == 0 or total(instance.port, "winnow_records_total") > 0


class CommittedReader(threading.Thread):
    """Reads an output topic as its consumers do, all the time. Each record names its arrival
    (winnow-origin), so that at the moment it shows, the group's committed offset must be past it;
    and what has shown once must stay."""

    def __init__(self, bootstrap, topic, group, source):
        super().__init__(daemon=True)
        self.connection = kafka_wire.Connection(bootstrap)
        self.topic, self.group, self.source = topic, group, source
        self.seen = {}  # (partition, offset) of the output: origin
        self.early = []  # shown before its offset was committed
        self.repeated = []  # origins shown twice
        self.errors = 0  # a broker that is down
        self._origins = set()
        self._at = {}
        self._stopped = threading.Event()

    def run(self):
        while not self._stopped.is_set():
            try:
                self._round()
            except kafka_wire.KafkaError:
                self.errors += 1
            self._stopped.wait(0.05)

    def finish(self):
        self._stopped.set()
        self.join()
        self._round()

    def _round(self):
        partitions = self.connection.partitions()
        shown = []
        for partition in range(partitions.get(self.topic, 0)):
            at = self._at.get(partition, 0)
            messages, self._at[partition] = self.connection.fetch(self.topic, partition, at)
            shown += messages
        if shown:
            self._check(shown, self._settled_offsets(partitions[self.source]))

    def _settled_offsets(self, partitions):
        """Asked after the records were seen; while a commit is being settled there is no answer."""
        while True:
            offsets = self.connection.committed(self.group, self.source, partitions)
            if offsets is not None:
                return offsets
            time.sleep(0.005)

    def _check(self, messages, committed):
        for message in messages:
            origin = message.headers.get("winnow-origin", "")
            _, partition, offset = origin.rsplit("/", 2)
            if committed.get(int(partition), 0) <= int(offset):
                self.early.append(origin)
            if origin in self._origins:
                self.repeated.append(origin)
            self._origins.add(origin)
            self.seen[message.partition, message.offset] = origin
