"""A second opinion: as much of Kafka's protocol as an auditor needs, written without the library
the pipeline uses. Reads what is committed, asks for offsets and open transactions, sends a message.
One broker that leads every partition; no compression. Not thread-safe: a connection a thread.

Formats: https://kafka.apache.org/protocol and, for record batches,
https://kafka.apache.org/documentation/#recordbatch (3.9).
"""
import collections
import socket
import struct
import time

PRODUCE, FETCH, LIST_OFFSETS, METADATA, OFFSET_FETCH, LIST_TRANSACTIONS = 0, 1, 2, 3, 9, 66
LATEST, EARLIEST = -1, -2
READ_UNCOMMITTED, READ_COMMITTED = 0, 1
UNSTABLE_OFFSET_COMMIT = 88

Message = collections.namedtuple("Message", "topic partition offset time key value headers")


class KafkaError(Exception):
    """An error code of the protocol, or a broker that is gone."""


def crc32c_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC_TABLE = crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def unsigned_varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def varint(number):
    return unsigned_varint(number << 1 ^ number >> 63)


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, count):
        piece = self.data[self.at:self.at + count]
        if len(piece) != count:
            raise KafkaError("answer cut short")
        self.at += count
        return piece

    def number(self, code):
        return struct.unpack(">" + code, self.take(struct.calcsize(">" + code)))[0]

    def text(self):
        length = self.number("h")
        return None if length < 0 else self.take(length).decode()

    def list_of(self, read):
        return [read() for _ in range(self.number("i"))]

    def unsigned_varint(self):
        number = shift = 0
        while True:
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def varint(self):
        number = self.unsigned_varint()
        return number >> 1 ^ -(number & 1)

    def bytes_of_varint(self):
        length = self.varint()
        return None if length < 0 else self.take(length)

    def compact_text(self):
        length = self.unsigned_varint()
        return None if length == 0 else self.take(length - 1).decode()

    def compact_list_of(self, read):
        return [read() for _ in range(self.unsigned_varint() - 1)]

    def tags(self):
        for _ in range(self.unsigned_varint()):
            self.unsigned_varint()
            self.take(self.unsigned_varint())


def text(value):
    if value is None:
        return struct.pack(">h", -1)
    return struct.pack(">h", len(value)) + value.encode()


def compact_text(value):
    return unsigned_varint(len(value) + 1) + value.encode()


def list_of(items):
    return struct.pack(">i", len(items)) + b"".join(items)


def compact_list_of(items):
    return unsigned_varint(len(items) + 1) + b"".join(items)


def require(code, what):
    if code:
        raise KafkaError(f"{what}: error {code}")


class Connection:
    """Errors of the network come as KafkaError; the next call connects anew."""

    def __init__(self, bootstrap, seconds=10.0):
        host, _, port = bootstrap.rpartition(":")
        self.address = (host, int(port))
        self.seconds = seconds
        self.socket = None

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def ask(self, api, version, body, flexible=False):
        header = struct.pack(">hhi", api, version, 1) + text("winnow-audit")
        request = header + (b"\0" if flexible else b"") + body
        try:
            if self.socket is None:
                self.socket = socket.create_connection(self.address, timeout=self.seconds)
            self.socket.sendall(struct.pack(">i", len(request)) + request)
            answer = Reader(self._receive(struct.unpack(">i", self._receive(4))[0]))
        except OSError as error:
            self.close()
            raise KafkaError(str(error)) from error
        answer.number("i")
        if flexible:
            answer.tags()
        return answer

    def _receive(self, count):
        data = bytearray()
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise OSError("connection closed")
            data += piece
        return bytes(data)

    # -- topics and offsets --

    def partitions(self):
        """Number of partitions by topic."""
        answer = self.ask(METADATA, 1, struct.pack(">i", -1))
        answer.list_of(lambda: (answer.number("i"), answer.text(), answer.number("i"),
                                answer.text()))
        answer.number("i")

        def partition():
            answer.take(10)
            answer.list_of(lambda: answer.number("i"))
            answer.list_of(lambda: answer.number("i"))

        def topic():
            answer.number("h")
            name = answer.text()
            answer.number("b")
            return name, len(answer.list_of(partition))
        return dict(answer.list_of(topic))

    def offset(self, topic, partition, when=LATEST, isolation=READ_COMMITTED):
        """EARLIEST, or LATEST: the last stable offset, or with READ_UNCOMMITTED the end."""
        body = struct.pack(">ib", -1, isolation) + list_of(
            [text(topic) + list_of([struct.pack(">iq", partition, when)])])
        answer = self.ask(LIST_OFFSETS, 2, body)
        answer.take(8)
        answer.text()
        answer.take(8)
        require(answer.number("h"), f"offsets of {topic}/{partition}")
        answer.number("q")
        return answer.number("q")

    def committed(self, group, topic, partitions):
        """Offsets by partition; None while a transaction that commits some is not settled."""
        wanted = compact_text(topic) + compact_list_of(
            [struct.pack(">i", index) for index in range(partitions)]) + b"\0"
        answer = self.ask(OFFSET_FETCH, 7, compact_text(group) + compact_list_of([wanted])
                          + b"\1" + b"\0", flexible=True)
        answer.number("i")
        found = {}

        def partition():
            index, offset = answer.number("i"), answer.number("q")
            answer.number("i")
            answer.compact_text()
            found[index] = (offset, answer.number("h"))
            answer.tags()

        def each_topic():
            answer.compact_text()
            answer.compact_list_of(partition)
            answer.tags()
        answer.compact_list_of(each_topic)
        require(answer.number("h"), f"offsets of {group}")
        if any(code == UNSTABLE_OFFSET_COMMIT for _, code in found.values()):
            return None
        for index, (_, code) in found.items():
            require(code, f"offset of {group} in {topic}/{index}")
        return {index: offset for index, (offset, _) in found.items() if offset >= 0}

    def transactions(self):
        """State by transactional id: Ongoing, CompleteCommit ..."""
        answer = self.ask(LIST_TRANSACTIONS, 0, b"\1\1\0", flexible=True)
        answer.number("i")
        require(answer.number("h"), "transactions")
        answer.compact_list_of(answer.compact_text)

        def transaction():
            name = answer.compact_text()
            answer.number("q")
            state = answer.compact_text()
            answer.tags()
            return name, state
        return dict(answer.compact_list_of(transaction))

    # -- messages --

    def fetch(self, topic, partition, offset, isolation=READ_COMMITTED, wait_ms=0):
        """Messages from `offset` on, and the offset to go on from; the same if there is no more."""
        body = struct.pack(">iiiib", -1, wait_ms, 1, 32 << 20, isolation) + list_of(
            [text(topic) + list_of([struct.pack(">iqi", partition, offset, 8 << 20)])])
        answer = self.ask(FETCH, 4, body)
        answer.take(8)
        answer.text()
        answer.take(8)
        require(answer.number("h"), f"reading {topic}/{partition} at {offset}")
        answer.take(16)
        aborted = [(answer.number("q"), answer.number("q"))
                   for _ in range(max(0, answer.number("i")))]
        batches = answer.take(max(0, answer.number("i")))
        return read_batches(batches, topic, partition, offset, aborted)

    def read_all(self, topic, partitions):
        """Every committed message of the topic that is there now."""
        for partition in range(partitions):
            at = self.offset(topic, partition, EARLIEST)
            end = self.offset(topic, partition)
            while at < end:
                messages, following = self.fetch(topic, partition, at)
                yield from messages
                if following == at:
                    break
                at = following

    def send(self, topic, partition, key, value):
        """One message, of now; its offset."""
        now = int(time.time() * 1000)
        record = (b"\0" + varint(0) + varint(0) + varint(len(key)) + key
                  + varint(len(value)) + value + varint(0))
        rest = (struct.pack(">hiqqqhii", 0, 0, now, now, -1, -1, -1, 1) + varint(len(record))
                + record)
        batch = struct.pack(">ibI", -1, 2, crc32c(rest)) + rest
        records = struct.pack(">qi", 0, len(batch)) + batch
        body = text(None) + struct.pack(">hi", -1, 10_000) + list_of(
            [text(topic) + list_of([struct.pack(">ii", partition, len(records)) + records])])
        answer = self.ask(PRODUCE, 3, body)
        answer.number("i")
        answer.text()
        answer.take(8)
        require(answer.number("h"), f"sending to {topic}/{partition}")
        return answer.number("q")


def read_batches(data, topic, partition, begin, aborted):
    """Committed messages of whole batches; transactions that were aborted are left out."""
    messages, following, open_aborts = [], begin, set()
    starts = sorted(aborted, key=lambda pair: pair[1])
    reader = Reader(data)
    while len(data) - reader.at >= 61:
        base, length = struct.unpack(">qi", reader.take(12))
        if len(data) - reader.at < length:
            break
        end = reader.at + length
        reader.take(9)
        attributes, last_delta, base_time = struct.unpack(">hiq", reader.take(14))
        reader.take(8)
        producer = reader.number("q")
        reader.take(6)
        count = reader.number("i")
        while starts and starts[0][1] <= base + last_delta:
            open_aborts.add(starts.pop(0)[0])
        if attributes & 0x20:  # a marker: the producer's transaction ends here
            open_aborts.discard(producer)
        elif not (attributes & 0x10 and producer in open_aborts):
            if attributes & 7:
                raise KafkaError(f"{topic}/{partition} is compressed")
            read = [read_record(reader, topic, partition, base, base_time) for _ in range(count)]
            messages += [message for message in read if message.offset >= begin]
        reader.at = end
        following = base + last_delta + 1
    return messages, max(following, begin)


def read_record(reader, topic, partition, base_offset, base_time):
    reader.varint()
    reader.take(1)
    time, offset = base_time + reader.varint(), base_offset + reader.varint()
    key, value = reader.bytes_of_varint(), reader.bytes_of_varint()
    headers = {}
    for _ in range(reader.varint()):
        name = reader.take(reader.varint()).decode()
        headers[name] = (reader.bytes_of_varint() or b"").decode(errors="replace")
    return Message(topic, partition, offset, time, key, value, headers)
