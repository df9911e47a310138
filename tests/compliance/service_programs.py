"""What every service promises as a process, asked of each program, without a broker.

usage: service_programs.py BIN MODELS SPEC SETTINGS

BIN holds winnow-validator and the others, MODELS the detector models (tests that need them are
skipped where they are not installed), SPEC is a collection spec, SETTINGS a folder with one example
configuration a service.
"""

import functools
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

BIN, MODELS, SPEC, SETTINGS = (pathlib.Path(argument).absolute() for argument in sys.argv[1:5])

SERVICES = ("validator", "privacy-blurrer", "deduper", "balancer", "sink")
NO_BROKER = "127.0.0.1:1"  # nothing listens on port 1
DRAIN_SECONDS = 10
PATIENCE = 30


def each_service(test):
    """Calls `test` once for each service, as subtests."""
    @functools.wraps(test)
    def over_all(self):
        for service in SERVICES:
            with self.subTest(service=service):
                test(self, service)
    return over_all


class ServiceProgramsTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        # A model is only loaded by the blurrer; without the real ones it runs a spec without faces.
        self.spec = self.write("spec.yaml", "winnow: 1\ncollection: compliance\n"
                                            "privacy: {faces: false}\n")

    def write(self, name, text):
        path = self.scratch / name
        path.write_text(text)
        return path

    def settings(self, **changes):
        values = {
            "spec": str(self.spec), "instance": "one", "drain_seconds": DRAIN_SECONDS,
            "kafka": {"brokers": NO_BROKER},
            "state": {"directory": str(self.scratch / "state")},
            "blobs": {"raw": str(self.scratch / "raw"), "safe": str(self.scratch / "safe")},
            "http": {"address": "127.0.0.1", "port": 0},
            "sink": {"directory": str(self.scratch / "dataset")},
        }
        values.update(changes)
        values = {key: value for key, value in values.items() if value is not None}
        return self.write("settings.yaml", json.dumps(values))  # JSON is YAML

    def run_service(self, service, *arguments, **environment):
        clean = {name: value for name, value in os.environ.items()
                 if not name.startswith("WINNOW_")}
        return subprocess.run([BIN / f"winnow-{service}", *map(str, arguments)],
                              capture_output=True, text=True, timeout=PATIENCE,
                              env={**clean, **environment})

    def assert_refused(self, result, *words):
        """Exit code 2, naming all of `words`, before a broker was tried."""
        self.assertEqual(result.returncode, 2, result.stderr)
        for word in words:
            self.assertIn(str(word), result.stderr)
        self.assertNotIn("started", result.stderr)

    # ---- what can be asked ------------------------------------------------------------------

    @each_service
    def test_help_and_version(self, service):
        result = self.run_service(service, "--help")
        self.assertEqual(result.returncode, 0)
        for word in ("--config", "--check", "--describe-config", "Exit codes"):
            self.assertIn(word, result.stdout)
        self.assertRegex(self.run_service(service, "--version").stdout, r"^\d+\.\d+\.\d+\n$")

    @each_service
    def test_describes_settings_it_can_read(self, service):
        described = self.run_service(service, "--describe-config")
        self.assertEqual(described.returncode, 0)
        path = self.write("described.yaml", described.stdout)
        result = self.run_service(service, "--check", "--config", path)
        self.assert_refused(result, "spec is not set", "instance is not set",
                            "kafka.brokers is not set")
        self.assertNotIn("described.yaml:", result.stderr)

    @each_service
    def test_wrong_arguments(self, service):
        self.assertEqual(self.run_service(service, "--no-such-option").returncode, 2)
        self.assertEqual(self.run_service(service, "surplus").returncode, 2)

    # ---- --check, and the same refusals when it is to run --------------------------------------

    @each_service
    def test_sound_settings(self, service):
        result = self.run_service(service, "--check", "--config", self.settings())
        self.assertEqual(result.returncode, 0, result.stderr)

    @each_service
    def test_settings_from_the_environment_alone(self, service):
        result = self.run_service(
            service, "--check", WINNOW_SPEC=str(self.spec), WINNOW_INSTANCE="one",
            WINNOW_KAFKA__BROKERS=NO_BROKER, WINNOW_STATE__DIRECTORY="/tmp/state",
            WINNOW_BLOBS__SAFE="/tmp/safe", WINNOW_SINK__DIRECTORY="/tmp/dataset")
        self.assertEqual(result.returncode, 0, result.stderr)

    @each_service
    def test_examples(self, service):
        result = self.run_service(service, "--check", "--config",
                                  SETTINGS / f"{service}.yaml", WINNOW_SPEC=str(self.spec))
        self.assertEqual(result.returncode, 0, result.stderr)

    @each_service
    def test_bad_settings(self, service):
        path = self.write("bad.yaml", "instanc: one\nlanes: many\n")
        for arguments in (["--check"], []):
            result = self.run_service(service, *arguments, "--config", path,
                                      WINNOW_KAFKA__BROKRS="x")
            self.assert_refused(result, f"{path}:1:1: ", '"instance"', f"{path}:2:8: ",
                                "WINNOW_KAFKA__BROKERS")

    @each_service
    def test_missing_settings_file(self, service):
        self.assert_refused(self.run_service(service, "--config", self.scratch / "nowhere"),
                            "nowhere")

    @each_service
    def test_bad_spec(self, service):
        spec = self.write("bad_spec.yaml", "winnow: 1\ncollection: c\nvalidate: {min_sid: 3}\n")
        for arguments in (["--check"], []):
            result = self.run_service(service, *arguments, "--config",
                                      self.settings(spec=str(spec)))
            self.assert_refused(result, f"{spec}:3:", "min_side")

    def test_what_only_some_need(self):
        for service, key in (("deduper", "state"), ("balancer", "state"), ("balancer", "blobs"),
                             ("sink", "sink")):
            with self.subTest(service=service, key=key):
                result = self.run_service(service, "--config", self.settings(**{key: None}))
                self.assert_refused(result, f"{key}.")
        settings = self.settings(state=None, blobs=None, sink=None)
        self.assertEqual(self.run_service("validator", "--check", "--config",
                                          settings).returncode, 0)

    def test_missing_model(self):
        spec = self.write("faces.yaml", "winnow: 1\ncollection: compliance\n")
        settings = self.settings(spec=str(spec), models=str(self.scratch / "no_models"))
        for arguments in (["--check"], []):
            self.assert_refused(
                self.run_service("privacy-blurrer", *arguments, "--config", settings),
                "no_models", "deploy/models/install")

    def test_real_model(self):
        if not list(MODELS.glob("*.onnx")):
            self.skipTest(f"no models in {MODELS}: deploy/models/install {MODELS}")
        result = self.run_service("privacy-blurrer", "--check", "--config",
                                  self.settings(spec=str(SPEC), models=str(MODELS)))
        self.assertEqual(result.returncode, 0, result.stderr)

    @each_service
    def test_property_that_delivery_rests_on(self, service):
        kafka = {"brokers": NO_BROKER,
                 "properties": {"isolation.level": "read_uncommitted"}}
        for arguments in (["--check"], []):
            result = self.run_service(service, *arguments, "--config", self.settings(kafka=kafka))
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn("isolation.level", result.stderr)

    @each_service
    def test_secrets_stay_secret(self, service):
        kafka = {"brokers": NO_BROKER,
                 "properties": {"sasl.password": "hunter2", "no.such.property": "1"}}
        result = self.run_service(service, "--config", self.settings(kafka=kafka))
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertNotIn("hunter2", result.stderr + result.stdout)

    @each_service
    def test_port_in_use(self, service):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            result = self.run_service(service, "--config", self.settings(
                http={"address": "127.0.0.1", "port": port}))
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(str(port), result.stderr)

    # ---- running without a broker --------------------------------------------------------------

    def start(self, service, settings):
        log = open(self.scratch / f"{service}.log", "w+", encoding="utf-8")
        self.addCleanup(log.close)
        process = subprocess.Popen([BIN / f"winnow-{service}", "--config", settings], stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, pathlib.Path(log.name)

    def wait_for(self, what, condition):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            result = condition()
            if result:
                return result
            time.sleep(0.05)
        self.fail(f"no {what} within {PATIENCE} s")

    def port_of(self, process, log):
        """The free port it chose is told by the fields of the log, which are an interface."""
        def look():
            self.assertIsNone(process.poll(), log.read_text())
            for line in log.read_text().splitlines():
                port = json.loads(line).get("fields", {}).get("port")
                if port:
                    return int(port)
            return None
        return self.wait_for("port", look)

    @staticmethod
    def get(port, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    @each_service
    def test_lives_without_a_broker_and_says_that_it_is_not_ready(self, service):
        process, log = self.start(service, self.settings())
        port = self.port_of(process, log)
        self.assertEqual(self.get(port, "/healthz")[0], 200)
        status, body = self.get(port, "/readyz")
        self.assertEqual(status, 503)
        self.assertIn(NO_BROKER, json.loads(body)["failing"]["reachable"])
        self.assertEqual(self.get(port, "/nowhere")[0], 404)
        self.check_metrics(service, self.get(port, "/metrics")[1])
        self.check_stops(service, process, log)

    def check_metrics(self, service, text):
        names = {line.split("{")[0].split(" ")[0] for line in text.splitlines()
                 if not line.startswith("#")}
        for name in ("winnow_received_total", "winnow_records_total", "winnow_record_bytes_total",
                     "winnow_settled_total", "winnow_commits_total", "winnow_aborts_total",
                     "winnow_stage_seconds_count", "winnow_batch_records_count",
                     "winnow_in_flight_bytes", "winnow_ready", "winnow_build_info",
                     "process_resident_memory_bytes", "process_cpu_seconds_total",
                     "process_open_fds", "process_start_time_seconds"):
            self.assertIn(name, names)
        for line in text.splitlines():
            if line.startswith("winnow_records_total"):
                self.assertTrue(line.endswith("} 0"), line)
                self.assertIn(f'stage="{service}"', line)
        own = {"privacy-blurrer": "winnow_privacy_residual_ratio",
               "sink": "winnow_end_to_end_seconds_count"}
        self.assertIn(own.get(service, "winnow_ready"), names)

    def check_stops(self, service, process, log):
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(timeout=DRAIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.fail(f"{service} did not stop within drain_seconds: {log.read_text()}")
        self.assertEqual(code, 0, log.read_text())
        for line in log.read_text().splitlines():
            entry = json.loads(line)
            self.assertEqual(entry["service"], f"winnow-{service}")
            self.assertEqual(entry["instance"], "one")
            self.assertNotEqual(entry["level"], "error", line)

    def test_tells_progress_and_divergence_of_configured_names(self):
        spec = self.write("balanced.yaml", """
winnow: 1
collection: street
objective: {target_counts: {car: 10, bus: 5}}
balance: {axes: [{name: lighting, targets: {dark: 0.5}}]}
""")
        for service, line in (
                ("sink", 'winnow_collection_progress_ratio{class="bus",collection="street"} 0'),
                ("balancer", 'winnow_balance_divergence{axis="lighting"} 0')):
            with self.subTest(service=service):
                process, log = self.start(service, self.settings(spec=str(spec)))
                port = self.port_of(process, log)
                self.assertIn(line, self.get(port, "/metrics")[1].splitlines())
                self.check_stops(service, process, log)

    def test_second_signal_ends_it_at_once(self):
        process, log = self.start("validator", self.settings(drain_seconds=600))
        self.port_of(process, log)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        self.assertIn(process.wait(timeout=PATIENCE), (0, 1), "0 if it was faster than the second")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
