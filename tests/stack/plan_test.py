"""What a later `deploy/stack up` keeps and changes (plan.py), and how Prometheus and Grafana are
found and read (monitoring.py)."""
import http.server
import json
import pathlib
import socket
import sys
import tempfile
import threading
import types
import unittest
import unittest.mock

sys.dont_write_bytecode = True
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "deploy/local"), str(REPOSITORY / "deploy/kafka")]
import service_figures  # noqa: E402
import monitoring  # noqa: E402
import plan  # noqa: E402


def options(**given):
    defaults = {"spec": None, "binaries": None, "input": None, "feed": True, "once": False,
                "instances": {}}
    return types.SimpleNamespace(**{**defaults, **given})


class PlanTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.directory = pathlib.Path(self.scratch.name)
        self.spec = self.directory / "spec.yaml"
        self.spec.write_text("winnow: 1\ncollection: street  # fleet\n")

    def tearDown(self):
        self.scratch.cleanup()

    def first(self, **given):
        made = plan.merged(None, options(spec=self.spec, **given), REPOSITORY)
        made.save(self.directory)
        return made

    def later(self, **given):
        return plan.merged(plan.Plan.load(self.directory), options(**given), REPOSITORY)

    def test_a_later_up_keeps_what_it_is_not_told(self):
        before = self.first(input=self.directory, instances={"deduper": 2})
        self.assertEqual(self.later(), before)

    def test_a_later_up_changes_the_number_of_instances(self):
        before = self.first(instances={"deduper": 2})
        after = self.later(instances={"deduper": 1, "sink": 3})
        self.assertEqual(set(before.names()) - set(after.names()), {"deduper-1"})
        self.assertEqual(set(after.names()) - set(before.names()), {"sink-1", "sink-2"})
        ports = dict(zip(before.names(), before.instances))
        self.assertTrue(all(entry == ports[name] for name, entry in zip(after.names(),
                                                                         after.instances)
                            if name in ports))

    def test_once_and_no_input_follow_nothing_from_then_on(self):
        self.first(input=self.directory)
        self.assertIsNone(self.later(feed=False).input)
        self.assertIsNone(self.later(once=True, input=self.directory).input)

    def test_a_changed_spec_is_another_start_of_the_services(self):
        before = self.first()
        self.spec.write_text(self.spec.read_text() + "validate:\n  min_side: 64\n")
        self.assertNotEqual(self.later().services, before.services)

    def test_finds_the_collection(self):
        self.assertEqual(self.first().collection, "street")
        self.spec.write_text("winnow: 1\ncollection: \"lab-1\"\n")
        self.assertEqual(plan.collection_of(self.spec), "lab-1")

    def test_tells_of_a_spec_that_is_not_there(self):
        with self.assertRaisesRegex(plan.Refused, "cannot read the spec"):
            self.later(spec=self.directory / "none.yaml")

    def test_tells_of_notes_it_cannot_read(self):
        (self.directory / "stack.json").write_text('{"spec": "x"}')
        with self.assertRaisesRegex(plan.Refused, "another version"):
            plan.Plan.load(self.directory)

    def test_gives_up_a_port_somebody_else_has_taken(self):
        made = self.first()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            made.instances[0]["port"] = made.ports["grafana"] = taken.getsockname()[1]
            self.assertEqual(made.free_taken_ports({"grafana"}), ["validator-0"])
            self.assertEqual(made.free_taken_ports(set()), ["grafana"])


class Answers:
    """Says the same to everybody on a port of its own."""

    def __init__(self, body):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass
        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self.port

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class MonitoringTest(unittest.TestCase):
    def test_tells_firing_alerts_first(self):
        alerts = [{"state": state, "labels": {"alertname": name, "severity": "page", "stage": "s"},
                   "annotations": {"summary": "so", "runbook": "deploy/runbook.md#x"}}
                  for state, name in (("pending", "A"), ("firing", "B"))]
        with Answers(json.dumps({"data": {"alerts": alerts}})) as port:
            told = monitoring.Prometheus(pathlib.Path("/nowhere"), port).alerts()
        self.assertEqual([alert["name"] for alert in told], ["B", "A"])
        self.assertEqual(told[0], {"name": "B", "state": "firing", "severity": "page",
                                   "summary": "so", "runbook": "deploy/runbook.md#x",
                                   "labels": {"stage": "s"}})

    def test_knows_nothing_of_alerts_without_prometheus(self):
        self.assertIsNone(monitoring.Prometheus(pathlib.Path("/nowhere"), 1).alerts())

    def test_finds_a_grafana_and_its_home(self):
        with tempfile.TemporaryDirectory() as folder:
            home = pathlib.Path(folder, "grafana-10")
            for name in ("bin/grafana", "conf/defaults.ini"):
                (home / name).parent.mkdir(parents=True, exist_ok=True)
                (home / name).touch(mode=0o755)
            with unittest.mock.patch.dict("os.environ", PATH=str(home / "bin")):
                found = monitoring.find_grafana()
        self.assertEqual(found, [f"{home}/bin/grafana", "server", "--homepath", str(home)])

    def test_finds_none(self):
        with unittest.mock.patch.dict("os.environ", PATH="/nowhere"), \
             unittest.mock.patch.object(monitoring, "GRAFANA_HOME", pathlib.Path("/nowhere")):
            self.assertIsNone(monitoring.find_grafana())


class FiguresTest(unittest.TestCase):
    METRICS = ('# HELP x y\n'
               'winnow_records_total{stage="sink",outcome="stored",reason="a \\"b\\""} 3\n'
               'winnow_records_total{stage="sink",outcome="dead",reason=""} 4\n'
               "winnow_parts_open{stage=\"sink\"} %d\nwinnow_parts_published_total 0\nup 1e3\n")

    def test_adds_up_what_has_the_labels(self):
        with Answers(self.METRICS % 0) as port:
            records = "winnow_records_total"
            self.assertEqual(service_figures.total(port, records, outcome="stored"), 3)
            self.assertEqual(service_figures.total(port, records), 7)
            self.assertEqual(service_figures.total(port, "up"), 1000)

    def test_sees_an_image_in_an_open_part_before_it_is_visible(self):
        with Answers(self.METRICS % 1) as port:
            first = service_figures.FirstImage([port], 0.0)
            first.start()
            self.assertTrue(monitoring.supervised.wait_until(lambda: first.taken is not None, 10))
            first.stop()
        self.assertIsNone(first.visible)


if __name__ == "__main__":
    unittest.main()
