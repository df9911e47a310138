"""A pipeline of real services, on a broker of its own, under load, asked by a real Prometheus.

The load is such that every figure of the dashboards moves: pictures with labels, consents and times
beside them, copies, better copies of what is stored or waits already, pictures too plain to be
compared, damaged ones, faces, and messages that are no records.
"""
import datetime
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / path) for path in
                ("deploy/local", "deploy/kafka", "deploy/grafana/tools", "tests/fault")]
import broker as kafka  # noqa: E402
import kafka_feed  # noqa: E402
import pipeline as local  # noqa: E402
import plain  # noqa: E402
import queries  # noqa: E402
import supervised  # noqa: E402

SPEC = pathlib.Path(__file__).with_name("exercise.yaml")
SCRAPE = 1  # seconds; production asks every 5 to 30
FACES = "A-dlib-faces/images"
MOST_FACES = 8
PLAIN = 6
SIZE, LARGER = (320, 240), (640, 480)
READY_SECONDS = 60
# Two instances of what shares its work: panels by process have something to compare.
INSTANCES = {"validator": 2, "privacy-blurrer": 1, "deduper": 1, "balancer": 1, "sink": 1}
SETTINGS = {
    "kafka.session_timeout_ms": 6000,  # a killed process is missed sooner
    "sink.seal_when_idle_seconds": "5s",
    "deduper.index_memory": "1MiB",  # the rest of the index is in files
    "sources.DOCK": "10min",
    "sources.GATE": "10min",
}


class Failed(Exception):
    """What did not come about, in one line."""


def face_pictures():
    """Real pictures of faces, where there are any."""
    folder = pathlib.Path(os.environ.get("WINNOW_SHARED_DATA", "/nowhere")) / FACES
    return sorted(folder.glob("*.jpg"), key=lambda path: path.stat().st_size)[:MOST_FACES]


def await_that(condition, seconds, what):
    if not kafka.wait_until(condition, seconds):
        raise Failed(f"not within {seconds} s: {what}")


class Exercise:
    """Everything below one directory. Stopped by `stop`, whatever was begun."""

    def __init__(self, programs, directory):
        self.programs, self.directory = programs, directory
        self.broker = kafka.Broker(directory / "broker")
        self.prometheus_process = supervised.Supervised(directory / "run", "prometheus")
        self.prometheus = None
        self.services = None
        self.fed = 0

    # -- start and stop --

    def start(self):
        self.began = time.time()
        bootstrap = self.broker.start(heap="256m", test=True)
        self._winnow("topics", "apply", REPOSITORY / "deploy/topics.yaml", "--brokers", bootstrap,
                     "--replication", "1")
        self.services = local.Pipeline(self.directory, self.programs, bootstrap, SPEC,
                                       models=os.environ.get("WINNOW_MODEL_DIR"),
                                       settings=SETTINGS)
        for stage, count in INSTANCES.items():
            for number in range(count):
                self.services.add(stage, number, kafka.free_port()).run()
        self._start_prometheus()
        await_that(self._is_ready, READY_SECONDS, "every service is ready")
        # Targets are found in the first seconds; what is counted before then does not increase.
        await_that(lambda: self.number("sum(up)") == len(self.services.instances), READY_SECONDS,
                   "Prometheus asks every service")

    def stop(self):
        if self.services:
            self.services.stop(30)
        supervised.stop_all([self.prometheus_process], 10)
        self.broker.stop()

    def _is_ready(self):
        for each in self.services.instances.values():
            if each.gave_up():
                raise Failed("\n".join([f"{each.name} ended:", *each.last_lines()]))
        return all(each.is_ready() for each in self.services.instances.values())

    def _start_prometheus(self):
        place = self.directory / "prometheus"
        (place / "targets").mkdir(parents=True)
        text = (REPOSITORY / "deploy/prometheus/prometheus.yml").read_text()
        for key in ("scrape_interval", "evaluation_interval"):
            text, count = with_interval(text, key)
            if count != 1:
                raise Failed(f"prometheus.yml has {count} {key}")
        (place / "prometheus.yml").write_text(text)
        shutil.copy(REPOSITORY / "deploy/prometheus/rules.yml", place / "rules.yml")
        targets = [{"targets": [f"127.0.0.1:{each.port}"],
                    "labels": {"job": "winnow", "instance": each.name}}
                   for each in self.services.instances.values()]
        (place / "targets/winnow.json").write_text(json.dumps(targets))
        port = kafka.free_port()
        self.prometheus_process.start(
            ["prometheus", f"--config.file={place}/prometheus.yml", "--log.level=warn",
             f"--storage.tsdb.path={place}/data", f"--web.listen-address=127.0.0.1:{port}"])
        self.url = f"http://127.0.0.1:{port}"
        self.prometheus = queries.Prometheus(self.url)
        await_that(lambda: local.answer_of(port, "/-/ready")[0] == 200, READY_SECONDS,
                   f"Prometheus is ready, see {self.prometheus_process.log}")

    def _winnow(self, *arguments):
        done = subprocess.run([str(self.programs / "winnow"), *map(str, arguments)], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode:
            raise Failed(f"winnow {arguments[0]} ended with {done.returncode}: {done.stderr}")

    # -- load --

    def feed(self, pictures, slices):
        """One slice after the other, each once the one before is through the stages."""
        folder = self._make("pictures", pictures, SIZE)
        for path in face_pictures():
            (folder / "people").mkdir(exist_ok=True)
            shutil.copy(path, folder / "people" / path.name)
        plain.write_pictures(folder / "car", PLAIN)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        random.Random(len(paths)).shuffle(paths)
        kafka_feed.send_garbage(self.broker.bootstrap, 3, random.Random(1))
        self.fed = 3
        for index in range(slices):
            self._ingest(folder, paths[index::slices], first=index * len(paths) // slices)
        self._feed_better_copies(pictures)

    def _make(self, name, count, size):
        return kafka_feed.make_pictures(self.programs / "make_pictures", self.directory / name,
                                        count, size)

    def _feed_better_copies(self, pictures):
        """Some of the same pictures, larger: some of these are stored, others wait in reserve."""
        folder = self._make("better", pictures // 4, LARGER)
        paths = [path.rename(path.with_name("larger-" + path.name))
                 for path in sorted(folder.rglob("picture-*"))]
        self._ingest(folder, paths, first=1)

    def _ingest(self, root, paths, first):
        for number, path in enumerate(paths, first):
            place = self.directory / "input" / path.relative_to(root)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
            place.with_name(place.name + ".json").write_text(json.dumps(sidecar(number)))
        self._winnow("ingest", SPEC, "--input", self.directory / "input", "--brokers",
                     self.broker.bootstrap, "--state", self.directory / "ingest",
                     "--raw-blobs", self.directory / "blobs/raw")
        self.fed += len(paths)
        await_that(self.is_through, 240, f"{self.fed} images are through the stages")

    def is_through(self):
        """What one stage has passed on the next has read; the sink, once its parts are full."""
        expected = self.fed
        for stage in local.STAGES[:-1]:
            of_stage = f'stage="{stage}"'
            if self.number(f"sum(winnow_received_total{{{of_stage}}})") < expected:
                return False
            expected = self.number(f'sum(winnow_records_total{{{of_stage}, outcome="forwarded"}})')
        return True

    def number(self, expression):
        answer = self.prometheus.at(expression, time.time())
        return float(answer[0]["values"][0][1]) if answer else 0.0

    def crash(self):
        """The deduper dies and its disk with it, and restores; then it dies alone and opens its
        state again, which makes files of it. Its counters begin anew: nothing is fed after this."""
        deduper, = self.services.of_stage("deduper")
        for disk_too in (True, False):
            starts = deduper.state()["starts"]
            if disk_too:  # before: its supervisor is quick
                deduper.state_directory.rename(self.directory / "lost")
            deduper.kill()
            await_that(lambda before=starts:
                       deduper.state().get("starts", 0) > before and deduper.is_ready(),
                       READY_SECONDS, "the deduper is back")


def with_interval(text, key):
    lines = text.splitlines(keepends=True)
    found = [index for index, line in enumerate(lines) if line.strip().startswith(key + ":")]
    for index in found:
        lines[index] = lines[index].partition(":")[0] + f": {SCRAPE}s\n"
    return "".join(lines), len(found)


def sidecar(number):
    """What a source says of its picture. Every twelfth has nobody's consent."""
    taken = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=number % 60)
    said = {"captured_at": taken.strftime("%Y-%m-%dT%H:%M:%SZ")}
    if number % 12:
        said["consent"] = {"basis": "consent", "purposes": ["train"]}
    return said
