"""The dashboards as files: what Grafana, the alert rules and the reader of a panel count on.

Needs PyYAML: exits with 77 (skipped) without it.
"""
import collections
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import yaml
except ImportError:
    print("PyYAML is not installed: deploy/packages/install test.txt")
    sys.exit(77)

sys.dont_write_bytecode = True
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
GRAFANA = REPOSITORY / "deploy/grafana"
sys.path.insert(0, str(GRAFANA / "tools"))
import dashboard  # noqa: E402
import queries  # noqa: E402

DASHBOARDS = {path.name: json.loads(path.read_text())
              for path in sorted((GRAFANA / "dashboards").glob("*.json"))}
PANELS = [(name, panel) for name, each in DASHBOARDS.items() for panel in queries.panels_of(each)]
RULES = [rule for group in yaml.safe_load((REPOSITORY / "deploy/prometheus/rules.yml").read_text())
         ["groups"] for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RUNBOOK = REPOSITORY / "deploy/runbook.md"
PROMETHEUS_OWN = {"ALERTS", "up"}
# Where a figure changes from nothing to something: nobody's limit.
NO_LIMIT = {0.001, 0.5, 1, 2, 3}


def expressions():
    return [(f"{name}: {panel['title']}", panel, target["expr"])
            for name, panel in PANELS for target in panel["targets"]]


def metrics_in(expression):
    """Names of metrics and recorded series in an expression."""
    text = re.sub(r'"[^"]*"', '""', expression)
    return set(re.findall(r"[a-zA-Z_:][\w:]*(?=\{)", text))


def known_metrics():
    """As the READMEs of telemetry and services name them."""
    found = set(PROMETHEUS_OWN)
    for path in [REPOSITORY / "libs/telemetry/README.md",
                 *(REPOSITORY / "services").glob("*/README.md")]:
        found |= set(re.findall(r"`(winnow_\w+)", path.read_text()))
    for path in (REPOSITORY / "libs/telemetry").glob("*.cc"):  # the README says `process_*`
        found |= set(re.findall(r'"(process_\w+)"', path.read_text()))
    return found | {rule["record"] for rule in RULES if "record" in rule}


def base_name(metric, known):
    """Without what Prometheus adds to the name of a histogram."""
    shorter = re.sub(r"_(bucket|sum|count)$", "", metric)
    return shorter if metric not in known and shorter in known else metric


def limits_of(panel):
    defaults = panel["fieldConfig"]["defaults"]
    values = [step["value"] for step in defaults["thresholds"]["steps"]]
    return [] if defaults["mappings"] else [value for value in values
                                            if value is not None and value not in NO_LIMIT]


def numbers_of(alert):
    """In its expression and in those of the series recorded for it."""
    text = str(ALERTS[alert]["expr"])
    text += " ".join(str(rule["expr"]) for rule in RULES if rule.get("record", "?") in text)
    return {float(number) for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", text)}


def runbook_entries(panel):
    return [link["title"].removeprefix("What to do: ") for link in panel["links"]]


class FilesTest(unittest.TestCase):
    def test_are_what_the_panels_say(self):
        done = subprocess.run([sys.executable, GRAFANA / "build", "--check"], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_build_tells_of_a_file_that_differs(self):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, GRAFANA / "build", "--output", folder]
            subprocess.run(command, check=True)
            self.assertEqual(subprocess.run(command + ["--check"], check=False).returncode, 0)
            place = pathlib.Path(folder) / "winnow-stage.json"
            place.write_text(place.read_text().replace("Reads", "Read"))
            (pathlib.Path(folder) / "left-over.json").write_text("{}")
            done = subprocess.run(command + ["--check"], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(len(done.stderr.splitlines()), 2, done.stderr)

    def test_build_points_to_another_runbook(self):
        for text in dashboard.written("https://wiki/winnow").values():
            runbook = [each for each in json.loads(text)["templating"]["list"]
                       if each["name"] == "runbook"]
            self.assertEqual(runbook[0]["query"], "https://wiki/winnow")

    def test_panel_with_a_misspelt_key_is_refused(self):
        with self.assertRaisesRegex(dashboard.Wrong, "colors"):
            dashboard.panel({"stat": "x", "says": "y", "ask": "z", "colors": []})
        with self.assertRaisesRegex(dashboard.Wrong, "says"):
            dashboard.panel({"stat": "x", "ask": "z"})

    def test_are_the_four(self):
        self.assertEqual({each["uid"] for each in DASHBOARDS.values()},
                         {"winnow-overview", "winnow-privacy", "winnow-dedup-balance",
                          "winnow-stage"})
        self.assertEqual([name for name, each in DASHBOARDS.items()
                          if name != each["uid"] + ".json"], [])

    def test_let_one_choose_prometheus_and_namespace(self):
        for name, each in DASHBOARDS.items():
            with self.subTest(name):
                found = {variable["name"] for variable in each["templating"]["list"]}
                self.assertLessEqual({"datasource", "namespace", "runbook"}, found)
        self.assertLessEqual({"stage", "instance"}, {
            variable["name"] for variable in DASHBOARDS["winnow-stage.json"]["templating"]["list"]})

    def test_provisioning_names_what_is_there(self):
        source, = yaml.safe_load((GRAFANA / "provisioning/datasources/winnow.yaml").read_text()
                                 )["datasources"]
        self.assertEqual((source["type"], source["url"]), ("prometheus", "$WINNOW_PROMETHEUS_URL"))
        asked = yaml.safe_load((REPOSITORY / "deploy/prometheus/prometheus.yml").read_text())
        self.assertEqual(source["jsonData"]["timeInterval"], asked["global"]["scrape_interval"])
        provider, = yaml.safe_load((GRAFANA / "provisioning/dashboards/winnow.yaml").read_text()
                                   )["providers"]
        self.assertEqual(provider["options"]["path"], "$WINNOW_DASHBOARDS")


class PanelsTest(unittest.TestCase):
    def test_do_not_overlap_and_stay_on_the_grid(self):
        for name, each in DASHBOARDS.items():
            cells = collections.Counter()
            for panel in each["panels"]:
                place = panel["gridPos"]
                self.assertLessEqual(place["x"] + place["w"], dashboard.WIDTH, panel["title"])
                cells.update((x, y) for x in range(place["x"], place["x"] + place["w"])
                             for y in range(place["y"], place["y"] + place["h"]))
            self.assertEqual([cell for cell, times in cells.items() if times > 1], [], name)

    def test_have_ids_of_their_own(self):
        for name, each in DASHBOARDS.items():
            ids = [panel["id"] for panel in each["panels"]]
            self.assertEqual(len(ids), len(set(ids)), name)

    def test_say_what_they_show(self):
        for name, panel in PANELS:
            with self.subTest(name, panel=panel["title"]):
                self.assertTrue(panel["title"])
                self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])
                self.assertRegex(panel["description"], r"^\S.{10,}\.$")
                self.assertTrue(panel["targets"])

    def test_ask_the_chosen_prometheus(self):
        for name, panel in PANELS:
            for each in (panel, *panel["targets"]):
                self.assertEqual(each["datasource"]["uid"], "${datasource}", panel["title"])

    def test_tell_their_series_apart(self):
        for where, panel, expression in expressions():
            if panel["type"] in ("table", "heatmap"):
                continue
            legends = " ".join(target["legendFormat"] for target in panel["targets"])
            outermost = re.match(r"(?:sum|max|min|avg|count|topk) by \(([^)]*)\)", expression)
            for label in outermost.group(1).split(", ") if outermost else []:
                with self.subTest(where, label=label):
                    if label == "stage" and "instance" in legends:
                        continue  # it is in the process's name
                    self.assertIn("{{" + label + "}}", legends)

    def test_ask_only_for_metrics_that_exist(self):
        known = known_metrics()
        for where, _, expression in expressions():
            with self.subTest(where):
                self.assertTrue(metrics_in(expression), expression)
                self.assertEqual({base_name(metric, known) for metric in metrics_in(expression)}
                                 - known, set())

    def test_show_every_metric_there_is(self):
        known = known_metrics()
        shown = {base_name(metric, known) for _, _, expression in expressions()
                 for metric in metrics_in(expression)}
        figures = {metric for metric in known if metric.startswith("winnow_")
                   and not metric.endswith("_")}
        # Bytes of messages say little that records do not.
        self.assertEqual(figures - shown, {"winnow_record_bytes_total"})

    def test_keep_pipelines_apart(self):
        for where, panel, expression in expressions():
            with self.subTest(where):
                for labels in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression):
                    # A heatmap has one value in each cell, whatever is chosen.
                    if not (panel["type"] == "heatmap" and labels == "le"):
                        self.assertIn("namespace", labels.split(", "))
                for inside in re.findall(r"\{([^}]*)\}", expression):
                    self.assertIn('namespace=~"$namespace"', inside)

    def test_of_one_stage_ask_only_for_the_chosen_one(self):
        panels = queries.panels_of(DASHBOARDS["winnow-stage.json"])
        own = [(panel, target["expr"]) for panel in panels for target in panel["targets"]]
        for panel, expression in own:
            with self.subTest(panel["title"]):
                self.assertIn('stage=~"$stage"', expression)

    def test_lead_to_entries_of_the_runbook(self):
        headings = re.findall(r"^## (\S+)$", RUNBOOK.read_text(), re.M) if RUNBOOK.exists() else []
        for name, panel in PANELS:
            for entry in runbook_entries(panel):
                with self.subTest(name, panel=panel["title"], entry=entry):
                    self.assertIn(entry, ALERTS)
                    if headings:
                        self.assertIn(entry, headings)

    def test_lead_to_every_entry_an_alert_has(self):
        linked = {entry for _, panel in PANELS for entry in runbook_entries(panel)}
        # Without targets no dashboard shows anything.
        self.assertEqual(ALERTS.keys() - linked, {"WinnowNotScraped"})

    def test_limits_are_those_of_the_alerts_they_lead_to(self):
        checked = 0
        for name, panel in PANELS:
            numbers = {number for entry in runbook_entries(panel) for number in numbers_of(entry)}
            for limit in limits_of(panel):
                with self.subTest(name, panel=panel["title"], limit=limit):
                    self.assertTrue(limit in numbers or round(1 - limit, 6) in numbers, numbers)
                    checked += 1
        self.assertGreater(checked, 10)

    def test_are_expressions_that_prometheus_reads(self):
        promtool = shutil.which("promtool")
        if promtool is None:
            self.skipTest("no promtool: deploy/packages/install stack.txt")
        rules = []
        for where, _, expression in expressions():
            each = DASHBOARDS[where.partition(":")[0]]
            text = queries.substituted(expression, queries.chosen(each, {}), 3600, 15, 15)
            rules.append({"record": f"panel:{len(rules)}", "expr": text, "labels": {"of": where}})
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            json.dump({"groups": [{"name": "panels", "rules": rules}]}, file)
            file.flush()
            done = subprocess.run([promtool, "check", "rules", file.name], capture_output=True,
                                  text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class SubstitutionTest(unittest.TestCase):
    def text(self, expression, choices=None, seconds=3600, step=15, scrape=15):
        values = queries.chosen(DASHBOARDS["winnow-stage.json"], choices or {})
        return queries.substituted(expression, values, seconds, step, scrape)

    def test_all_matches_series_without_the_label(self):
        self.assertEqual(self.text('x{namespace=~"$namespace"}'), 'x{namespace=~".*"}')

    def test_starts_with_what_grafana_starts_with(self):
        self.assertEqual(self.text('x{stage=~"$stage"}'), 'x{stage=~"validator"}')
        self.assertEqual(self.text('x{stage=~"$stage"}', {"stage": [queries.ALL]}),
                         'x{stage=~".*"}')

    def test_several_choices_are_alternatives(self):
        self.assertEqual(self.text('x{stage=~"${stage}"}', {"stage": ["sink", "deduper"]}),
                         'x{stage=~"(sink|deduper)"}')

    def test_a_choice_is_no_regular_expression(self):
        self.assertEqual(self.text('x{stage=~"$stage"}', {"stage": ["a.b"]}), r'x{stage=~"a\\.b"}')

    def test_intervals_for_rates_hold_four_scrapes(self):
        self.assertEqual(self.text("rate(x[$__rate_interval])"), "rate(x[60s])")
        self.assertEqual(self.text("rate(x[$__rate_interval])", step=300), "rate(x[315s])")
        self.assertEqual(self.text("increase(x[$__range])"), "increase(x[3600s])")

    def test_unknown_variable_is_an_error(self):
        with self.assertRaises(KeyError):
            self.text("x[$__no_such]")


if __name__ == "__main__":
    unittest.main()
