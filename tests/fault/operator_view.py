"""What an operator sees when something is wrong: log line, probes, metric, exit code, and what
Kubernetes keeps of a process that ended. The real programs, on a real broker where one is needed.

usage: operator_view.py BIN_DIR SPEC

What is asserted here stands in deploy/runbook.md. Exit code 77 (skipped) without an installed
broker.
"""
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

import kafka_wire
from operator_program import (DEPLOY, Program, SmallVolume, clean_environment, events, kafka,
                              local, metric, termination_message)

BIN, SPEC = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
NO_BROKER = "127.0.0.1:1"  # nothing listens on port 1
PASSWORD = "not-to-be-seen-3c9a"
PATIENCE = 30
TOPICS = DEPLOY / "topics.yaml"


class OperatorTest(unittest.TestCase):
    """Settings and programs of one test, and what every end must look like."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="winnow-operator-")
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.runs = 0

    def write(self, name, text):
        path = self.scratch / name
        path.write_text(text)
        return path

    def settings(self, brokers=NO_BROKER, **changes):
        """A file; the port is in it."""
        self.runs += 1
        values = {
            "spec": str(SPEC), "instance": "one-0", "drain_seconds": 5, "lanes": 1,
            "fenced_linger_seconds": 600,
            "kafka": {"brokers": brokers, "session_timeout_ms": 6000},
            "state": {"directory": str(self.scratch / f"state-{self.runs}")},
            "blobs": {"raw": str(self.scratch / "raw"), "safe": str(self.scratch / "safe")},
            "http": {"address": "127.0.0.1", "port": kafka.free_port()},
            "sink": {"directory": str(self.scratch / "dataset")},
        }
        for key, value in changes.items():
            values[key] = {**values[key], **value} if key in values and isinstance(value, dict) \
                else value
        path = self.write(f"settings-{self.runs}.yaml", json.dumps(values, indent=1))
        return path, values["http"]["port"]

    def start(self, stage, settings, environment=None):
        path, port = settings
        self.runs += 1
        program = Program(BIN, stage, path, port, self.scratch / f"{self.runs}.log", environment)
        self.addCleanup(program.end)
        return program

    def until(self, condition, what, seconds=PATIENCE):
        self.assertTrue(kafka.wait_until(condition, seconds), f"not within {seconds} s: {what()}")

    def assert_ended(self, program, code, *words):
        """With this exit code; the last line says it all, and Kubernetes would keep that line."""
        self.assertEqual(program.wait_for_exit(PATIENCE), code, program.text())
        last = program.last_line()
        for word in words:
            self.assertIn(str(word), last, program.text())
        self.assertIn(last, termination_message(program.text()))
        self.assertNotIn(PASSWORD, program.text())
        print(f"    exit {code}: {last}", flush=True)

    def assert_refused(self, program, *words):
        """Ended by what a person must mend, in one line, before it joined or wrote anything."""
        self.assert_ended(program, 2, *words)
        self.assertEqual(len(program.text().splitlines()), 1, program.text())
        self.assertEqual([path.name for path in self.scratch.iterdir()
                          if path.name in ("dataset", "raw", "safe") or "state" in path.name], [])


class WrongSettingsTest(OperatorTest):
    def test_wrong_spec(self):
        spec = self.write("spec.yaml", "winnow: 1\ncollection: x\nvalidate:\n  min_sides: 100\n")
        for stage in local.STAGES:
            with self.subTest(stage=stage):
                self.assert_refused(self.start(stage, self.settings(spec=str(spec))),
                                    f"winnow-{stage}: ", f"{spec}:4:", "min_sides",
                                    "did you mean", "min_side")

    def test_missing_spec(self):
        gone = self.scratch / "gone.yaml"
        self.assert_refused(self.start("balancer", self.settings(spec=str(gone))), gone,
                            "cannot be read")

    def test_missing_settings(self):
        gone = self.scratch / "gone.yaml"
        self.assert_refused(self.start("sink", (gone, 1)), gone, "cannot be read",
                            "check the path and its permissions")

    def test_unknown_key(self):
        settings, port = self.settings(kafka={"broker": "x:1"})
        self.assert_refused(self.start("deduper", (settings, port)), f"{settings}:",
                            'unknown key "kafka.broker"', 'did you mean "kafka.brokers"')

    def test_wrong_value(self):
        settings, port = self.settings(drain_seconds="soon")
        self.assert_refused(self.start("deduper", (settings, port)), f"{settings}:",
                            'drain_seconds "soon" is not a duration')

    def test_value_out_of_range(self):
        settings, port = self.settings(sources={"gate-1": "1ms"})
        self.assert_refused(self.start("validator", (settings, port)), f"{settings}:",
                            '"gate-1" of sources', "out of range: write 1s to")

    def test_missing_secret(self):
        gone = self.scratch / "kafka-password"
        kafka_settings = {"properties": {"sasl.username": "winnow", "ssl.key.password": PASSWORD},
                          "property_files": {"sasl.password": str(gone)}}
        self.assert_refused(self.start("validator", self.settings(kafka=kafka_settings)),
                            "kafka.property_files: sasl.password", gone, "cannot be read")

    def test_empty_secret(self):
        empty = self.write("kafka-password", "\n")
        kafka_settings = {"property_files": {"sasl.password": str(empty)}}
        self.assert_refused(self.start("validator", self.settings(kafka=kafka_settings)),
                            "sasl.password", empty, "is empty")

    def test_no_model(self):
        models = self.scratch / "models"
        models.mkdir()
        spec = self.write("spec.yaml", "winnow: 1\ncollection: x\n")
        self.assert_refused(
            self.start("privacy-blurrer", self.settings(spec=str(spec), models=str(models))),
            models, "deploy/models/install")

    def test_wrong_model(self):
        models = self.scratch / "models"
        models.mkdir()
        (models / "centerface.onnx").write_bytes(b"an LFS pointer")
        spec = self.write("spec.yaml", "winnow: 1\ncollection: x\n")
        self.assert_refused(
            self.start("privacy-blurrer", self.settings(spec=str(spec), models=str(models))),
            "SHA-256", "deploy/models/install")

    def test_port_taken(self):
        first = self.start("deduper", settings := self.settings())
        self.until(lambda: first.page("/healthz")[0] == 200, first.text)
        _, port = settings
        second = self.start("deduper", self.settings(http={"port": port}, instance="one-1"))
        self.assert_ended(second, 2, port, "Address already in use", "http.port")


class HealthFlagTest(OperatorTest):
    def test_tells_who_lives(self):
        for stage in local.STAGES:
            with self.subTest(stage=stage):
                program = self.start(stage, self.settings())
                self.until(lambda: program.health().returncode == 0, program.text)
                program.end()
                asked = program.health()
                self.assertEqual(asked.returncode, 1)
                self.assertRegex(asked.stderr, f"^winnow-{stage}: not healthy: 127.0.0.1:"
                                               f"{program.port} does not answer")

    def test_refuses_any_free_port(self):
        asked = self.start("sink", self.settings(http={"port": 0})).health()
        self.assertEqual(asked.returncode, 1)
        self.assertIn("http.port is 0", asked.stderr)


class OnBrokerTest(OperatorTest):
    """On one broker for all tests; topics of each have a prefix of their own."""

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="winnow-operator-broker-")
        cls.addClassCleanup(scratch.cleanup)
        cls.broker = kafka.Broker(pathlib.Path(scratch.name))
        cls.broker.start(test=True)
        cls.addClassCleanup(lambda: cls.broker.pid() and cls.broker.stop())

    def winnow(self, *words):
        done = subprocess.run([str(BIN / "winnow"), *map(str, words)], capture_output=True,
                              text=True, timeout=120, env=clean_environment(), check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def make_topics(self, prefix):
        self.winnow("topics", "apply", TOPICS, "--brokers", self.broker.bootstrap, "--prefix",
                    prefix, "--partitions", 1, "--replication", 1)

    def on_broker(self, prefix, **changes):
        more = changes.pop("kafka", {})
        return self.settings(kafka={"brokers": self.broker.bootstrap, "topic_prefix": prefix,
                                    "session_timeout_ms": 6000, **more}, **changes)

    def ready(self, stage, settings):
        program = self.start(stage, settings)
        self.until(program.is_ready, program.text)
        return program


class BrokerTest(OnBrokerTest):
    def test_unreachable_broker(self):
        self.make_topics("away.")
        address = self.broker.bootstrap
        self.broker.stop()
        programs = [self.start(stage, self.on_broker("away.", kafka={"brokers": address}))
                    for stage in local.STAGES]
        for program in programs:
            self.until(lambda: "reachable" in (program.failing() or {}), program.text)
            self.until(lambda: self.complains(program), program.text)
            self.assertIn(address, program.failing()["reachable"])
            self.assertEqual(program.page("/healthz")[0], 200)
            self.assertEqual(program.metric("winnow_ready", check="reachable"), 0)
            self.assertIsNone(program.process.poll(), program.text())
        print(f"    {programs[0].last_line()}\n    /readyz {programs[0].failing()}", flush=True)
        self.broker.start(test=True)
        for program in programs:
            self.until(program.is_ready, program.text)
            self.assertEqual(program.metric("winnow_ready", check="reachable"), 1)

    @staticmethod
    def complains(program):
        return any(event["level"] in ("warning", "error") and "broker" in event["message"]
                   for event in events(program.text()))

    def test_missing_topics(self):
        self.assert_ended(self.start("deduper", self.on_broker("none.")), 2, "none.images.safe",
                          "winnow topics apply")

    def test_state_of_another_pipeline(self):
        self.make_topics("a.")
        self.make_topics("b.")
        state = {"directory": str(self.scratch / "state")}
        first = self.ready("deduper", self.on_broker("a.", state=state))
        first.ask_to_stop()
        self.assertEqual(first.wait_for_exit(PATIENCE), 0, first.text())
        second = self.start("deduper", self.on_broker("b.", state=state))
        self.assert_ended(second, 3, state["directory"], "corrupt")

    def test_record_without_its_image(self):
        """Nothing but the validator writes images.valid: a record without its image there is set
        aside, and the stage goes on."""
        self.make_topics("empty.")
        pictures = self.scratch / "pictures"
        subprocess.run([str(BIN / "make_pictures"), str(pictures), "1"], check=True)
        (pictures / "broken.jpg").write_bytes(b"no picture")
        self.winnow("ingest", SPEC, "--input", pictures, "--brokers", self.broker.bootstrap,
                    "--prefix", "empty.")
        self.ready("validator", self.on_broker("empty."))
        wire = kafka_wire.Connection(self.broker.bootstrap)
        self.addCleanup(wire.close)
        self.until(lambda: wire.fetch("empty.images.rejected", 0, 0)[0], lambda: "nothing refused")
        refused = wire.fetch("empty.images.rejected", 0, 0)[0][0]
        wire.send("empty.images.valid", 0, b"key", refused.value)
        blurrer = self.ready("privacy-blurrer", self.on_broker("empty."))
        self.until(lambda: blurrer.metric("winnow_records_total", outcome="dead",
                                          reason="refused_by_stage") == 1, blurrer.text)
        self.assertTrue(blurrer.is_ready(), blurrer.text())


class FencedTest(OnBrokerTest):
    """Two processes of one instance: the older one ends, and says so for a while."""

    def namesakes(self, stage, **changes):
        prefix = f"fenced-{stage}."
        self.make_topics(prefix)
        first = self.ready(stage, self.on_broker(prefix, **changes))
        self.assertEqual(first.metric("winnow_fenced", stage=stage), 0)
        second = self.start(stage, self.on_broker(prefix, **changes))
        self.until(lambda: first.metric("winnow_fenced", stage=stage) == 1,
                   lambda: first.text() + second.text())
        self.until(second.is_ready, second.text)
        return first, second

    def assert_tells(self, first):
        self.assertIn("another process runs as instance one-0", first.failing()["running"])
        self.assertEqual(first.metric("winnow_ready", check="running"), 0)
        self.assertEqual(first.page("/healthz")[0], 200)
        self.assertEqual(first.health().returncode, 0)

        def told():
            return [event for event in events(first.text())
                    if event["level"] == "error" and event["message"].startswith("fenced")]
        # The metric shows while clients and state are being closed, the log tells afterwards.
        self.until(told, first.text)
        event, = told()
        self.assertEqual(event["fields"]["instance"], "one-0")
        self.assertIn("give each a name of its own", event["fields"]["error"])

    def test_lingers_until_asked_to_stop(self):
        for stage in ("validator", "deduper", "sink"):
            with self.subTest(stage=stage):
                first, second = self.namesakes(stage)
                self.assert_tells(first)
                first.ask_to_stop()  # long before its 600 s are over
                self.assert_ended(first, 1, "one-0", "give each a name of its own")
                self.assertTrue(second.is_ready(), second.text())

    def test_ends_by_itself(self):
        first, _ = self.namesakes("balancer", fenced_linger_seconds=5)
        self.assert_ended(first, 1, "one-0", "give each a name of its own")


class FullVolumeTest(OnBrokerTest):
    """The state's volume and the dataset's, full while images flow; nothing is lost."""

    def setUp(self):
        super().setUp()
        self.make_topics("")
        self.services = local.Pipeline(
            self.scratch, BIN, self.broker.bootstrap, SPEC,
            settings={"lanes": 1, "commit.interval_ms": 50, "sink.seal_when_idle_seconds": 1,
                      "kafka.session_timeout_ms": 6000, "drain_seconds": 5})
        for stage in local.STAGES:
            self.services.add(stage, 0, kafka.free_port())
        self.addCleanup(self.services.stop, 15)
        self.fed = 0

    def volume(self, place, megabytes):
        volume = SmallVolume(place, megabytes)
        if not volume.mounted:
            self.skipTest("needs the right to mount a small file system")
        self.addCleanup(volume.unmount)
        return volume

    def feed(self, count):
        self.fed += count
        pictures = self.scratch / "pictures"
        subprocess.run([str(BIN / "make_pictures"), str(pictures), str(self.fed), "160", "120"],
                       check=True)
        self.winnow("ingest", SPEC, "--input", pictures, "--brokers", self.broker.bootstrap,
                    "--state", self.scratch / "ingest")

    def page(self, instance):
        return local.answer_of(instance.port, "/metrics")[1]

    def seen(self, instance):
        return metric(self.page(instance), "winnow_received_total") or 0

    def test_nothing_is_lost(self):
        deduper, sink = (self.services.instances[name] for name in ("deduper-0", "sink-0"))
        state = self.volume(deduper.state_directory, 64)
        dataset = self.volume(self.services.dataset, 64)
        for instance in self.services.instances.values():
            instance.run()
        for instance in self.services.instances.values():
            self.until(instance.is_ready, lambda: instance.last_lines())
        self.feed(20)
        with self.subTest(volume="state"):
            self.fill(deduper, "state", state)
            self.mend(deduper, state)
        with self.subTest(volume="dataset"):
            self.fill(sink, "dataset", dataset)
            self.mend(sink, dataset)
        self.account()
        self.winnow("verify", self.services.dataset)

    def account(self):
        """Once everything that was fed has an outcome."""
        self.winnow("audit", "--brokers", self.broker.bootstrap, "--dataset",
                    self.services.dataset, "--wait", 60)

    def fill(self, instance, name, volume):
        """While nothing is under way: the volume is full, and the instance does not know it yet."""
        self.account()
        self.assertGreater(self.seen(instance), 10)
        free = self.free(instance, name)
        self.assertGreater(free, 1 << 20)
        volume.fill()
        self.assertLess(self.free(instance, name), free / 10)
        self.feed(60)

    def mend(self, instance, volume):
        """Once it has ended for want of room: room is made, and it goes on by itself."""
        self.until(lambda: self.out_of_room(instance), lambda: instance.last_lines(20), 60)
        last = self.out_of_room(instance)[-1]
        self.assertEqual(last["fields"]["exit_code"], "1")
        for words in ("No space left on device", "free space", str(volume.place)):
            self.assertIn(words, last["fields"]["error"])
        print(f"    {json.dumps(last)}", flush=True)
        volume.make_room()
        self.until(instance.is_ready, lambda: instance.last_lines(20), 60)

    @staticmethod
    def out_of_room(instance):
        return [event for event in events(instance.log.read_text())
                if event["message"] == "ended by an error"]

    def free(self, instance, name):
        return metric(self.page(instance), "winnow_disk_free_bytes", volume=name)


if __name__ == "__main__":
    if not (kafka.INSTALLED / "lib").is_dir():
        print("no broker installed: deploy/kafka/install")
        sys.exit(77)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # stops what was started
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
