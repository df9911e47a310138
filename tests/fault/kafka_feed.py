"""Feeds pictures to the pipeline with `winnow ingest`, slice by slice, however often it is killed;
and messages that are no records at all."""
import os
import pathlib
import queue
import random
import subprocess
import threading
import time

import kafka_wire


class Feeder(threading.Thread):
    """Moves pictures into a folder and runs `winnow ingest` on it until it succeeds."""

    def __init__(self, winnow, spec, bootstrap, pictures, scratch, inline_max):
        super().__init__(daemon=True)
        self.input = scratch / "input"
        self.pictures = sorted(path for path in pictures.rglob("*") if path.is_file())
        random.Random(len(self.pictures)).shuffle(self.pictures)
        self.root = pictures
        self.command = [str(winnow), "ingest", str(spec), "--input", str(self.input), "--brokers",
                        bootstrap, "--state", str(scratch / "ingest"), "--raw-blobs",
                        str(scratch / "blobs/raw"), "--inline-max", str(inline_max)]
        self.log = scratch / "run/ingest.log"
        self.kills = self.runs = self.failures = 0
        self._slices = queue.Queue()
        self._process = None

    def slices(self, count):
        """The pictures in `count` portions."""
        return [self.pictures[index::count] for index in range(count)]

    def feed(self, portion):
        self._slices.put(portion)

    def finish(self, seconds):
        """Whether everything was fed in time."""
        self._slices.put(None)
        self.join(seconds)
        return not self.is_alive()

    def is_feeding(self):
        process = self._process
        return process is not None and process.poll() is None

    def kill(self):
        """Whether there was a run to kill."""
        if not self.is_feeding():
            return False
        self._process.kill()
        self.kills += 1
        return True

    def run(self):
        while (portion := self._slices.get()) is not None:
            for path in portion:
                place = self.input / path.relative_to(self.root)
                place.parent.mkdir(parents=True, exist_ok=True)
                os.link(path, place)
            while not self._ingest():
                time.sleep(0.2)

    def _ingest(self):
        self.runs += 1
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log)
            status = self._process.wait()
        self.failures += status > 0
        return status == 0


def send_garbage(bootstrap, count, chance):
    """Messages nobody can decode: noise, nothing, a record cut short. By origin."""
    connection = kafka_wire.Connection(bootstrap)
    partitions = connection.partitions()["images.raw"]
    sent = {}
    for index in range(count):
        value = [b"", b"no record", chance.randbytes(200), b"\x0a\xff\xff\xff\xff\x7f"][index % 4]
        partition = chance.randrange(partitions)
        offset = connection.send("images.raw", partition, b"garbage-%d" % index, value)
        sent[f"images.raw/{partition}/{offset}"] = value
    connection.close()
    return sent


def make_pictures(program, folder, count, size):
    subprocess.run([str(program), str(folder), str(count), *map(str, size)], check=True)
    return pathlib.Path(folder)
