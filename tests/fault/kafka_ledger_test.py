"""The auditors of the chaos test find what is planted: they could not be trusted otherwise."""
import hashlib
import json
import pathlib
import struct
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
DEPLOY = HERE.parents[1] / "deploy"
sys.path[:0] = [str(HERE), str(DEPLOY / "local"), str(DEPLOY / "kafka")]
import kafka_ledger  # noqa: E402
import kafka_wire  # noqa: E402
import kafka_watch  # noqa: E402

ID = "{:032x}".format


class Topics:
    """Stands for a connection: messages put in are read back."""

    def __init__(self):
        self.messages = {topic: [] for topic in ("images.raw", "images.deferred",
                                                 *kafka_ledger.TERMINAL)}

    def put(self, topic, number=None, origin=None, key=b"", value=b""):
        if number is not None:
            key, value = ID(number).encode(), b"\x0a\x20" + ID(number).encode()
        headers = {} if origin is None else {"winnow-origin": f"images.raw/0/{origin}"}
        messages = self.messages[topic]
        messages.append(kafka_wire.Message(topic, 0, len(messages), 0, key, value, headers))

    def partitions(self):
        return {topic: 1 for topic in self.messages}

    def read_all(self, topic, _partitions):
        return list(self.messages[topic])


class LedgerTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.dataset = pathlib.Path(scratch.name)
        self.topics = Topics()

    def arrive(self, *numbers):
        for number in numbers:
            self.topics.put("images.raw", number)

    def publish(self, begin, end, *numbers):
        (self.dataset / ".winnow/parts").mkdir(parents=True, exist_ok=True)
        (self.dataset / "shards").mkdir(exist_ok=True)
        shard = f"chaos-train-p000-{begin:012}.tar"
        (self.dataset / "shards" / shard).write_bytes(b"shard")
        (self.dataset / ".winnow/parts" / (shard + ".json")).write_text(json.dumps({
            "shard": shard, "topic": "images.selected", "partition": 0, "split": "train",
            "begin": begin, "end": end, "sha256": hashlib.sha256(b"shard").hexdigest(),
            "ids": [ID(number) for number in numbers]}))

    def ledger(self):
        return kafka_ledger.Ledger(self.topics, self.dataset)

    def assert_found(self, problems, *words):
        self.assertEqual(len(problems), 1, problems)
        for word in words:
            self.assertIn(word, problems[0])

    def sound(self):
        """Selected, rejected, deferred, garbage."""
        self.arrive(1, 2, 3)
        self.topics.put("images.raw", value=b"garbage")
        self.topics.put("images.selected", 1, origin=0)
        self.topics.put("images.rejected", 2, origin=1)
        self.topics.put("images.deferred", 3, origin=2)
        self.topics.put("images.dead", origin=3, value=b"garbage")
        self.publish(0, 1, 1)

    def test_finds_nothing_wrong_with_sound_books(self):
        self.sound()
        self.assertEqual(self.ledger().problems(), [])
        self.assertEqual(self.ledger().dataset_problems(), [])

    def test_finds_an_arrival_without_outcome(self):
        self.sound()
        self.arrive(4)
        self.assert_found(self.ledger().problems(), "images.raw/0/4", "no outcome")

    def test_finds_an_arrival_with_two_outcomes(self):
        self.sound()
        self.topics.put("images.rejected", 2, origin=1)
        self.assert_found(self.ledger().problems(), "images.raw/0/1", "2 outcomes")

    def test_finds_an_image_with_two_kinds_of_outcome(self):
        self.sound()
        self.arrive(1)
        self.topics.put("images.rejected", 1, origin=4)
        self.assert_found(self.ledger().problems(), ID(1), "two kinds")

    def test_finds_an_outcome_of_what_never_arrived(self):
        self.sound()
        self.topics.put("images.rejected", 9, origin=9)
        self.assert_found(self.ledger().problems(), "images.raw/0/9", "never arrived")

    def test_finds_an_image_both_deferred_and_selected(self):
        self.sound()
        self.arrive(3)
        self.topics.put("images.selected", 3, origin=4)
        self.assert_found(self.ledger().problems(), ID(3), "is deferred and")

    def test_accepts_a_resent_image_that_left_the_reserve(self):
        self.sound()
        self.arrive(3)
        self.topics.put("images.deferred", 3, origin=4)
        self.topics.put("images.deferred", key=ID(3).encode(), value=None)
        self.topics.put("images.selected", 3, origin=2)
        self.assertEqual(self.ledger().problems(), [])

    def test_finds_a_gap_and_an_overlap(self):
        for begin in (2, 0):
            with self.subTest(begin):
                self.topics = Topics()
                self.topics.put("images.selected", 1)
                self.topics.put("images.selected", 2)
                self.publish(0, 1, 1)
                path = self.dataset / ".winnow/parts/second.tar.json"
                part = json.loads(next((self.dataset / ".winnow/parts").glob("chaos*")).read_text())
                path.write_text(json.dumps({**part, "begin": begin, "end": 3, "ids": [ID(2)]}))
                self.assert_found(self.ledger().dataset_problems(), f"begins at {begin}")

    def test_finds_a_damaged_and_a_missing_shard(self):
        self.sound()
        shard = next((self.dataset / "shards").iterdir())
        shard.write_bytes(b"other")
        self.assert_found(self.ledger().dataset_problems(), "SHA-256")
        shard.unlink()
        self.assert_found(self.ledger().dataset_problems(), "missing")

    def test_finds_an_image_stored_twice_or_not_at_all(self):
        self.sound()
        self.publish(1, 2, 1)
        self.assert_found(self.ledger().dataset_problems(), ID(1), "2 times")
        self.publish(1, 2, 5)
        self.assert_found(self.ledger().dataset_problems(), ID(5), "not selected")

    def test_finds_a_selected_image_that_is_not_stored(self):
        self.sound()
        self.topics.put("images.selected", 4, origin=4)
        self.assert_found(self.ledger().dataset_problems(), ID(4), "not stored")

    def test_finds_leftovers_in_staging(self):
        self.sound()
        (self.dataset / ".winnow/staging").mkdir()
        (self.dataset / ".winnow/staging/half.tar").write_bytes(b"")
        self.assert_found(self.ledger().dataset_problems(), "half.tar")


class CommittedReaderTest(unittest.TestCase):
    def setUp(self):
        self.reader = kafka_watch.CommittedReader("nowhere:1", "images.valid", "group",
                                                  "images.raw")

    def shown(self, offset, origin):
        return kafka_wire.Message("images.valid", 0, offset, 0, b"", b"",
                                  {"winnow-origin": f"images.raw/0/{origin}"})

    def test_accepts_a_record_behind_its_committed_offset(self):
        self.reader._check([self.shown(0, 7)], {0: 8})
        self.assertEqual((self.reader.early, self.reader.repeated), ([], []))

    def test_finds_a_record_before_its_committed_offset(self):
        self.reader._check([self.shown(0, 7)], {0: 7})
        self.assertEqual(self.reader.early, ["images.raw/0/7"])

    def test_finds_a_record_that_shows_twice(self):
        self.reader._check([self.shown(0, 7), self.shown(1, 7)], {0: 8})
        self.assertEqual(self.reader.repeated, ["images.raw/0/7"])


TRANSACTIONAL, CONTROL = 0x10, 0x20


def batch(base, producer, attributes, *values):
    records = b"".join(record(index, value) for index, value in enumerate(values))
    rest = struct.pack(">hiqqqhii", attributes, len(values) - 1, 0, 0, producer, 0, 0,
                       len(values)) + records
    body = struct.pack(">ibI", -1, 2, kafka_wire.crc32c(rest)) + rest
    return struct.pack(">qi", base, len(body)) + body


def record(index, value):
    varint = kafka_wire.varint
    body = (b"\0" + varint(0) + varint(index) + varint(-1) + varint(len(value)) + value
            + varint(1) + varint(1) + b"h" + varint(1) + b"v")
    return varint(len(body)) + body


class ReadBatchesTest(unittest.TestCase):
    def read(self, data, begin=0, aborted=()):
        messages, following = kafka_wire.read_batches(data, "t", 0, begin, aborted)
        return [(message.offset, message.value) for message in messages], following

    def test_reads_values_offsets_and_headers(self):
        data = batch(5, 1, 0, b"a", b"b")
        messages, following = kafka_wire.read_batches(data, "t", 0, 5, [])
        self.assertEqual([(m.offset, m.value, m.headers) for m in messages],
                         [(5, b"a", {"h": "v"}), (6, b"b", {"h": "v"})])
        self.assertEqual(following, 7)

    def test_leaves_out_what_was_aborted_and_no_more(self):
        data = (batch(0, 1, TRANSACTIONAL, b"aborted") + batch(1, 2, TRANSACTIONAL, b"kept")
                + batch(2, 1, TRANSACTIONAL | CONTROL, b"abort")
                + batch(3, 2, TRANSACTIONAL | CONTROL, b"commit")
                + batch(4, 1, TRANSACTIONAL, b"next"))
        self.assertEqual(self.read(data, aborted=[(1, 0)]), ([(1, b"kept"), (4, b"next")], 5))

    def test_begins_within_a_batch(self):
        self.assertEqual(self.read(batch(0, 1, 0, b"a", b"b", b"c"), begin=1),
                         ([(1, b"b"), (2, b"c")], 3))

    def test_leaves_a_batch_cut_short_for_the_next_answer(self):
        whole = batch(0, 1, 0, b"a")
        self.assertEqual(self.read(whole + batch(1, 1, 0, b"b")[:-1]), ([(0, b"a")], 1))

    def test_knows_the_checksum_of_the_standard(self):
        self.assertEqual(kafka_wire.crc32c(b"123456789"), 0xE3069283)

    def test_encodes_numbers_as_they_are_read(self):
        for number in (0, 1, -1, 63, 64, -64, -65, 300, 1 << 40):
            self.assertEqual(kafka_wire.Reader(kafka_wire.varint(number)).varint(), number)


if __name__ == "__main__":
    unittest.main()
