"""Rules, their cases and the runbook hold together: what promtool alone does not see.

Needs PyYAML and promtool (Debian package prometheus): exits with 77 (skipped) without them.
"""
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
if not shutil.which("promtool"):
    print("promtool is not installed: deploy/packages/install test.txt")
    sys.exit(77)

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
RULES = REPOSITORY / "deploy/prometheus/rules.yml"
RUNBOOK = REPOSITORY / "deploy/runbook.md"
# Where a metric must be written down before a rule may ask for it.
METRIC_PAGES = [REPOSITORY / "libs/telemetry/README.md",
                *sorted((REPOSITORY / "services").glob("*/README.md"))]
PARTS = ("Symptom", "Check", "Fix", "Worked when")
SEVERITIES = {"page", "ticket", "info"}
OF_PROMETHEUS = {"up"}

GROUPS = yaml.safe_load(RULES.read_text())["groups"]
RULES_OF_ALL = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES_OF_ALL if "alert" in rule}
RECORDED = {rule["record"]: rule for rule in RULES_OF_ALL if "record" in rule}
CASES = {path.name: yaml.safe_load(path.read_text()) for path in sorted(HERE.glob("*.yml"))}


def without_strings(expression):
    return re.sub(r'"[^"]*"', '""', expression)


def names_in(expression):
    """Metrics and recorded series an expression asks for."""
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", without_strings(expression))
    text = re.sub(r"\b(by|on|without|ignoring)\s*\([^)]*\)", " ", text)
    return {name for name in re.findall(r"[a-zA-Z_][\w:]*(?!\w|\s*\()", text)
            if name in OF_PROMETHEUS or re.search(r"winnow|process_", name)}


def metrics_of(expression):
    """The same, with recorded series resolved to what they are made of."""
    found = set()
    for name in names_in(expression):
        found |= metrics_of(RECORDED[name]["expr"]) if name in RECORDED else {name}
    return found


def family(metric):
    return re.sub(r"_(bucket|count|sum)$", "", metric)


def documented_metrics():
    text = "\n".join(path.read_text() for path in METRIC_PAGES)
    return set(re.findall(r"\bwinnow_[a-z0-9_]+", text)), "`process_*`" in text


def checks_of(alert):
    """(test, check) for each check of the alert in any of the files."""
    return [(test, check) for cases in CASES.values() for test in cases["tests"]
            for check in test["alert_rule_test"] if check["alertname"] == alert]


def feeds(test, alert):
    """Whether the test has a series that the alert looks at."""
    given = {family(series["series"].partition("{")[0]) for series in test["input_series"]}
    return bool(given & {family(metric) for metric in metrics_of(ALERTS[alert]["expr"])})


def anchor(heading):
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def entries():
    """{heading: text} of the runbook."""
    _, *sections = re.split(r"^## ", RUNBOOK.read_text(), flags=re.MULTILINE)
    return {title: text for title, _, text in (section.partition("\n") for section in sections)}


class RulesTest(unittest.TestCase):
    def test_promtool_takes_them(self):
        done = subprocess.run(["promtool", "check", "rules", str(RULES)], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_an_alert_is_named_once(self):
        self.assertEqual(len(ALERTS), sum("alert" in rule for rule in RULES_OF_ALL))

    def test_every_alert_says_how_urgent_it_is_and_what_it_means(self):
        for name, rule in ALERTS.items():
            with self.subTest(name):
                self.assertIn(rule["labels"].get("severity"), SEVERITIES)
                self.assertEqual(set(rule["annotations"]), {"summary", "description", "runbook"})
                self.assertNotIn("{{", rule["annotations"]["description"])

    def test_summaries_use_labels_the_alert_has(self):
        for name, rule in ALERTS.items():
            fires = [labels for _, check in checks_of(name) for labels in check["exp_alerts"]]
            for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
                with self.subTest(name, label=label):
                    self.assertTrue(any(label in each["exp_labels"] for each in fires))

    def test_ask_for_documented_metrics_only(self):
        known, process = documented_metrics()
        for name, rule in {**ALERTS, **RECORDED}.items():
            for metric in names_in(rule["expr"]) - set(RECORDED) - OF_PROMETHEUS:
                with self.subTest(name, metric=metric):
                    self.assertTrue(family(metric) in known
                                    or process and metric.startswith("process_"))

    def test_keep_pipelines_apart(self):
        for name, rule in {**ALERTS, **RECORDED}.items():
            for clause in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", rule["expr"]):
                with self.subTest(name, clause=clause):
                    self.assertIn("namespace", [label.strip() for label in clause.split(",")])
            for operator in re.findall(r"\b(sum|min|max|count|avg)\b(?!\s*by)\s*\(", rule["expr"]):
                self.fail(f"{name}: {operator} without by (namespace, ...)")

    def test_every_recorded_series_is_used(self):
        used = set().union(*(names_in(rule["expr"]) for rule in RULES_OF_ALL))
        self.assertLessEqual(set(RECORDED), used)


class LimitsTest(unittest.TestCase):
    """Figures that repeat what stands elsewhere."""

    def test_retention_alert_comes_before_retention(self):
        topics = yaml.safe_load((REPOSITORY / "deploy/topics.yaml").read_text())
        kept = {"validator": "images.raw", "privacy-blurrer": "images.valid",
                "deduper": "images.safe", "balancer": "images.unique", "sink": "images.selected"}
        found = re.findall(r'stage=~"([^"]*)"\} offset (\d+)d', ALERTS["WinnowRetentionNear"]["expr"])
        self.assertEqual({stage for stages, _ in found for stage in stages.split("|")}, set(kept))
        for stages, days in found:
            for stage in stages.split("|"):
                topic = {**topics["defaults"], **topics["topics"][kept[stage]]}
                with self.subTest(stage):
                    share = int(days) * 86_400_000 / topic["retention.ms"]
                    self.assertTrue(0.5 < share < 0.75, share)

    def test_freshness_is_a_bucket(self):
        probe = (REPOSITORY / "libs/telemetry/stage_probe.cc").read_text()
        bounds = re.search(r"kEndToEndSeconds = \{([^}]*)\}", probe).group(1).replace("'", "")
        buckets = {float(bound) for bound in bounds.split(",")}
        used = re.findall(r'le="(\d+)"', RULES.read_text())
        self.assertTrue(used)
        self.assertLessEqual({float(bound) for bound in used}, buckets)

    def test_sink_seals_idle_parts_before_the_alert(self):
        sink = (REPOSITORY / "deploy/services/sink.yaml").read_text()
        self.assertIn("seal_when_idle_seconds: 10min", sink)
        self.assertIn("[30m]", ALERTS["WinnowPartNotSealed"]["expr"])


class CasesTest(unittest.TestCase):
    def test_every_alert_fires_in_one_and_is_silent_in_another(self):
        for name in ALERTS:
            earnest = [(test, check) for test, check in checks_of(name) if feeds(test, name)]
            with self.subTest(name):
                self.assertTrue(any(check["exp_alerts"] for _, check in checks_of(name)),
                                "no case in which it fires")
                # A silence without the series the alert looks at shows nothing.
                self.assertTrue(any(not check["exp_alerts"] for _, check in earnest),
                                "no case in which it has reason to stay silent")

    def test_cases_are_of_alerts_there_are(self):
        named = {check["alertname"] for cases in CASES.values() for test in cases["tests"]
                 for check in test["alert_rule_test"]}
        self.assertEqual(named, set(ALERTS))

    def test_cases_read_the_rules_in_their_order(self):
        for name, cases in CASES.items():
            with self.subTest(name):
                self.assertEqual([(HERE / path).resolve() for path in cases["rule_files"]], [RULES])
                self.assertEqual(cases["group_eval_order"], [group["name"] for group in GROUPS])


class RunbookTest(unittest.TestCase):
    def test_every_alert_leads_to_its_entry(self):
        anchors = {anchor(heading): heading for heading in entries()}
        for name, rule in ALERTS.items():
            with self.subTest(name):
                page, _, target = rule["annotations"]["runbook"].partition("#")
                self.assertEqual(REPOSITORY / page, RUNBOOK)
                self.assertEqual(anchors.get(target), name)

    def test_entries_of_alerts_have_their_alert(self):
        self.assertEqual({heading for heading in entries() if heading.startswith("Winnow")},
                         set(ALERTS))

    def test_every_entry_says_what_to_see_to_do_and_to_expect(self):
        for heading, text in entries().items():
            with self.subTest(heading):
                found = re.findall(r"^\*\*([^*]+)\.\*\* *(\S?)", text, flags=re.MULTILINE)
                self.assertEqual(tuple(part for part, _ in found), PARTS)
                self.assertTrue(all(begins for _, begins in found), "a part is empty")

    def test_its_queries_are_promql_over_documented_metrics(self):
        queries = re.findall(r"^```promql\n(.*?)^```", RUNBOOK.read_text(), re.MULTILINE | re.DOTALL)
        self.assertTrue(queries)
        known, _ = documented_metrics()
        for query in (line for block in queries for line in block.splitlines()):
            with self.subTest(query):
                self.assertEqual(self.complaint_about(query), "")
                for metric in names_in(query) - set(RECORDED) - OF_PROMETHEUS:
                    self.assertTrue(family(metric) in known or metric.startswith("process_"), metric)

    def complaint_about(self, query):
        rules = {"groups": [{"name": "runbook", "rules": [{"record": "asked", "expr": query}]}]}
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            yaml.safe_dump(rules, file)
            file.flush()
            done = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True,
                                  text=True, check=False)
        return done.stderr if done.returncode else ""


if __name__ == "__main__":
    unittest.main()
