"""Every arrival and every outcome, read from the topics and the dataset without the pipeline's own
code: what `winnow audit` says is compared with this."""
import collections
import hashlib
import json
import time

import kafka_wire
import pipeline as local

INPUTS = {"validator": "images.raw", "privacy-blurrer": "images.valid", "deduper": "images.safe",
          "balancer": "images.unique"}
TERMINAL = ("images.selected", "images.rejected", "images.review", "images.dead")


def record_id(value):
    """Of a serialized ImageRecord: field 1, 32 hex digits, comes first. None if it is no record."""
    if value and value[:2] == b"\x0a\x20" and len(value) >= 34:
        return value[2:34].decode("ascii", "replace")
    return None


def own_origin(message):
    return f"{message.topic}/{message.partition}/{message.offset}"


class Ledger:
    """The topics of one pipeline as they are at the moment they are read."""

    def __init__(self, connection, dataset):
        self.connection = connection
        self.partitions = connection.partitions()
        self.dataset = dataset
        self.arrivals = {own_origin(message): record_id(message.value)
                         for message in self.read("images.raw")}
        self.outcomes = collections.defaultdict(list)  # origin: topics
        self.ids = collections.defaultdict(set)  # id: terminal topics
        for topic in TERMINAL:
            for message in self.read(topic):
                origin = message.headers.get("winnow-origin", "no origin")
                self.outcomes[origin].append(topic)
                if topic != "images.dead":
                    self.ids[record_id(message.value)].add(topic)
        self.deferred, self.once_deferred = self._read_deferred()
        self.dead = list(self.read("images.dead"))

    def read(self, topic):
        return self.connection.read_all(topic, self.partitions[topic])

    def _read_deferred(self):
        live, ever = {}, set()
        for message in self.read("images.deferred"):
            key = message.key.decode()
            ever.add(message.headers.get("winnow-origin", ""))
            if message.value is None:
                live.pop(key, None)
            else:
                live[key] = message
        return live, ever

    # -- accounts --

    def problems(self):
        """Arrivals without exactly one outcome, and outcomes of what never arrived."""
        found = [f"{origin} never arrived, yet is in {topics}"
                 for origin, topics in self.outcomes.items() if origin not in self.arrivals]
        found += [f"{record} has two kinds of outcome: {sorted(topics)}"
                  for record, topics in self.ids.items() if len(topics) > 1]
        found += [f"{record} is deferred and in {sorted(self.ids[record])}"
                  for record in self.deferred if self.ids.get(record)]
        for origin, record in self.arrivals.items():
            topics = self.outcomes.get(origin, [])
            if len(topics) > 1:
                found.append(f"{origin} has {len(topics)} outcomes: {topics}")
            elif not topics and not self._is_held(origin, record):
                found.append(f"{origin} ({record}) has no outcome")
        return found

    def _is_held(self, origin, record):
        """In the reserve now; or it was, and another arrival of the image brought the answer."""
        return record in self.deferred or (origin in self.once_deferred and record in self.ids)

    def figures(self):
        count = collections.Counter(topic for topics in self.outcomes.values() for topic in topics)
        return {"arrivals": len(self.arrivals),
                "ids": len({record for record in self.arrivals.values() if record}),
                "stored_ids": len(self.stored_ids()), "deferred_ids": len(self.deferred),
                **{topic.removeprefix("images."): count[topic] for topic in TERMINAL}}

    # -- dataset --

    def parts(self):
        return [json.loads(path.read_text())
                for path in sorted((self.dataset / ".winnow/parts").glob("*.tar.json"))]

    def stored_ids(self):
        return [record for part in self.parts() for record in part["ids"]]

    def dataset_problems(self):
        """Ranges with gaps or overlaps, shards that are missing or differ, ids stored twice."""
        found, ends = [], {}
        for part in sorted(self.parts(), key=lambda each: each["begin"]):
            lane = (part["topic"], part["partition"], part["split"])
            if part["begin"] != ends.get(lane, 0):
                found.append(f"{part['shard']} begins at {part['begin']}, not {ends.get(lane, 0)}")
            ends[lane] = part["end"]
            shard = self.dataset / "shards" / part["shard"]
            if not shard.is_file():
                found.append(f"{part['shard']} is missing")
            elif hashlib.sha256(shard.read_bytes()).hexdigest() != part["sha256"]:
                found.append(f"{part['shard']} has another SHA-256 than its manifest says")
        count = collections.Counter(self.stored_ids())
        found += [f"{record} is stored {times} times"
                  for record, times in count.items() if times > 1]
        selected = {record for record, topics in self.ids.items() if "images.selected" in topics}
        found += [f"{record} was selected and is not stored" for record in selected - set(count)]
        found += [f"{record} is stored and was not selected" for record in set(count) - selected]
        staging = self.dataset / ".winnow/staging"
        found += [f"left in staging: {path.name}" for path in staging.rglob("*") if path.is_file()]
        return found


def unread(connection, partitions, stage):
    """Messages of a stage's input that its group has not committed."""
    topic, left = INPUTS[stage], 0
    committed = connection.committed(f"winnow-{stage}", topic, partitions[topic])
    if committed is None:
        return 1
    for partition in range(partitions[topic]):
        at = committed.get(partition, 0)
        while at < connection.offset(topic, partition):
            messages, following = connection.fetch(topic, partition, at)
            left += len(messages)
            if following == at:
                break
            at = following
    return left


def unstored(connection, partitions, dataset):
    """Selected images that no published part holds."""
    topic = "images.selected"
    selected = {record_id(message.value)
                for message in connection.read_all(topic, partitions[topic])}
    stored = {record for path in (dataset / ".winnow/parts").glob("*.tar.json")
              for record in json.loads(path.read_text())["ids"]}
    return len(selected - stored)


def wait_until_drained(bootstrap, dataset, seconds):
    """What is left after that time: {} if nothing."""
    connection = kafka_wire.Connection(bootstrap)
    deadline = time.monotonic() + seconds
    while True:
        partitions = connection.partitions()
        left = {stage: unread(connection, partitions, stage) for stage in local.STAGES[:-1]}
        left["sink"] = 0 if any(left.values()) else unstored(connection, partitions, dataset)
        left = {stage: count for stage, count in left.items() if count}
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.5)
