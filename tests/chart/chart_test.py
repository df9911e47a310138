"""The chart through the real helm: what it renders for a matrix of values, and what it refuses.

usage: chart_test.py BIN_DIR [unittest options]; BIN_DIR holds winnow and the services. The tools
are those of tests/chart/install. Exits with 77 (skipped) without Go or PyYAML.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

try:
    import yaml  # noqa: F401
except ImportError:
    print("PyYAML is not installed: deploy/packages/install test.txt")
    sys.exit(77)

sys.dont_write_bytecode = True
import chart  # noqa: E402
import invariants  # noqa: E402
import manifests  # noqa: E402
import openapi  # noqa: E402
import values_table  # noqa: E402

PROGRAMS = None
VALUES = chart.HERE / "values"
EXAMPLES = chart.REPOSITORY / "deploy/examples/kubernetes"
# What a good set of values needs from outside the chart, and a preset it comes on top of.
CLUSTER_CA = {("Secret", "kafka-cluster-ca-cert")}
PRINCIPALS = ("validator", "privacy-blurrer", "deduper", "balancer", "sink", "topics", "status")
OWN_SECRETS = {("Secret", f"winnow-{name}") for name in PRINCIPALS}
CASES = {
    "minimal": (None, set()),
    "strimzi-mtls": ("strimzi-mtls", CLUSTER_CA | OWN_SECRETS),
    "strimzi-scram": ("strimzi-scram", CLUSTER_CA | OWN_SECRETS | {
        ("Secret", "winnow-ingest"), ("PersistentVolumeClaim", "frames")}),
    "managed-sasl": ("managed-sasl", OWN_SECRETS - {("Secret", "winnow-sink")} | {
        ("Secret", "writer-of-datasets")}),
    "monitored": (None, set()),
    "scaled": (None, set()),
    "everything": (None, set()),
    "existing": (None, {("ConfigMap", "street-fleet"), ("ServiceAccount", "pipelines"),
                        ("PersistentVolumeClaim", "raw"), ("PersistentVolumeClaim", "safe"),
                        ("PersistentVolumeClaim", "dataset")}),
}


def values_of(case):
    preset = CASES[case][0]
    return ([chart.CHART / f"presets/{preset}.yaml"] if preset else []) + [VALUES / f"{case}.yaml"]


def options_of(case):
    return () if case == "existing" else (f"--set-file=spec.inline={chart.SPEC}",)


def rendered(case, **options):
    return chart.render(*values_of(case), options=options_of(case), **options)


def objects_of(case, **options):
    return chart.load_all(rendered(case, **options))


def partitions():
    declared = chart.load(chart.REPOSITORY / "deploy/topics.yaml")["topics"]
    inputs = {"validator": "images.raw", "privacy-blurrer": "images.valid",
              "deduper": "images.safe", "balancer": "images.unique", "sink": "images.selected"}
    return {stage: declared[topic]["partitions"] for stage, topic in inputs.items()}


def check_types(text):
    """What the Kubernetes API types, and KEDA's schema, say against the manifests."""
    objects = chart.load_all(text)
    ours = [each for each in objects if each["apiVersion"] == "keda.sh/v1alpha1"]
    schema = openapi.schema_of(chart.load(chart.TOOLS / "keda.sh_scaledobjects.yaml"), "v1alpha1")
    found = [problem for each in ours for problem in openapi.problems(each, schema)]
    # As text, so that a key given twice is seen.
    rest = [part for part in re.split(r"^---\n", text, flags=re.MULTILINE)
            if "apiVersion: keda.sh" not in part]
    done = subprocess.run([chart.TOOLS / "apitypes", "-"], input="---\n".join(rest), text=True,
                          capture_output=True, check=False)
    return found + (done.stderr.splitlines() if done.returncode else [])


class RenderTest(unittest.TestCase):
    def test_every_value_file_is_a_case(self):
        self.assertEqual({path.stem for path in VALUES.glob("*.yaml")}, set(CASES))
        self.assertEqual({path.stem for path in (chart.CHART / "presets").glob("*.yaml")},
                         {preset for preset, _ in CASES.values() if preset})

    def test_lint_has_nothing_to_say(self):
        for case in CASES:
            with self.subTest(case):
                said = chart.helm("lint", "--strict", chart.CHART, *options_of(case),
                                  *(f"--values={path}" for path in values_of(case)))
                self.assertNotRegex(said, r"\[(WARNING|ERROR)\]")

    def test_every_manifest_is_of_the_kubernetes_api(self):
        for case in CASES:
            with self.subTest(case):
                self.assertEqual(check_types(rendered(case)), [])

    def test_invariants_hold(self):
        for case in CASES:
            with self.subTest(case):
                found = invariants.problems(objects_of(case), chart.app_version(), partitions(),
                                            network=case != "existing",
                                            ports={9093} if case == "everything" else set())
                self.assertEqual(found, [])

    def test_needs_from_outside_only_what_it_says(self):
        for case, (_, outside) in CASES.items():
            with self.subTest(case):
                self.assertEqual(invariants.missing_references(objects_of(case)), outside)

    def test_two_releases_live_side_by_side(self):
        first = objects_of("monitored", release="street")
        second = objects_of("monitored", release="shelf")
        both = [each for each in first + second if not manifests.hooks_of(each)]
        self.assertEqual(list(invariants.names_are_unique(both)), [])
        self.assertEqual(list(invariants.selectors_find_one_workload(both)), [])
        for policy in manifests.of_kind(first, "NetworkPolicy"):
            for thing in manifests.of_kind(second, *manifests.WORKLOADS):
                labels = manifests.labels_of(manifests.pod_of(thing))
                chosen = policy["spec"]["podSelector"]["matchLabels"]
                self.assertFalse(manifests.matches(chosen, labels), manifests.name_of(policy))

    def test_a_release_of_any_name_has_names_kubernetes_takes(self):
        for release in ("winnow", "a", "a-very-long-name-for-a-release-of-this-chart-it-is"):
            with self.subTest(release):
                objects = objects_of("minimal", release=release)
                self.assertEqual(list(invariants.stateful_sets_keep_their_identity(objects)), [])
                self.assertEqual([manifests.name_of(each) for each in objects
                                  if len(manifests.name_of(each)) > 63], [])

    def test_notes_say_what_to_do_next(self):
        notes = self.notes("minimal")
        for line in ("helm -n prod test winnow", "get pods", "WARNING: no authentication"):
            self.assertIn(line, notes)


    def notes(self, case):
        """helm renders them for a cluster only: here they are rendered as a ConfigMap."""
        with tempfile.TemporaryDirectory(prefix="winnow-chart-") as scratch:
            copy = pathlib.Path(scratch) / "winnow"
            shutil.copytree(chart.CHART, copy)
            text = (copy / "templates/NOTES.txt").read_text()
            (copy / "templates/_notes.tpl").write_text(
                '{{- define "notes" -}}\n' + text + "{{- end -}}\n")
            (copy / "templates/notes.yaml").write_text(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: notes}\n"
                'data:\n  notes: {{ include "notes" . | quote }}\n')
            return manifests.named(objects_of(case, chart=copy), "ConfigMap",
                                   "notes")["data"]["notes"]


class UpgradeTest(unittest.TestCase):
    def annotations(self, *options):
        text = chart.render(VALUES / "minimal.yaml", options=options)
        return {stage: manifests.annotations_of(manifests.pod_of(
            manifests.workload(chart.load_all(text), stage))) for stage in manifests.STAGES}

    def test_a_changed_spec_makes_new_pods(self):
        retail = chart.SPEC.with_name("retail-shelf.yaml")
        before = self.annotations(*options_of("minimal"))
        after = self.annotations(f"--set-file=spec.inline={retail}")
        for stage in manifests.STAGES:
            self.assertNotEqual(before[stage]["winnow/spec"], after[stage]["winnow/spec"])

    def test_a_changed_setting_makes_new_pods_of_its_stage_only(self):
        before = self.annotations(*options_of("minimal"))
        after = self.annotations(*options_of("minimal"),
                                 "--set=stages.deduper.settings.lanes=3")
        changed = [stage for stage in manifests.STAGES if before[stage] != after[stage]]
        self.assertEqual(changed, ["deduper"])

    def test_a_new_revision_of_an_existing_spec_makes_new_pods(self):
        existing = "--set=spec.existingConfigMap=mine"
        before = self.annotations(existing, "--set-string=spec.revision=1")
        after = self.annotations(existing, "--set-string=spec.revision=2")
        for stage in manifests.STAGES:
            self.assertNotEqual(before[stage]["winnow/spec"], after[stage]["winnow/spec"])


class RefusalTest(unittest.TestCase):
    """Values that do not fit are told by name, before anything is installed."""

    def test_tells_what_is_wrong(self):
        for path in sorted((chart.HERE / "bad").glob("*.yaml")):
            expected = path.read_text().partition("\n")[0].removeprefix("# ")
            with self.subTest(path.stem):
                values = [VALUES / "minimal.yaml", path]
                options = () if path.stem == "no-spec" else options_of("minimal")
                said = chart.complaint(*chart.template_arguments(*values), *options)
                self.assertIn(expected, said)

    def test_tells_all_problems_at_once(self):
        said = chart.complaint(*chart.template_arguments())
        self.assertIn("kafka.brokers is empty", said)
        self.assertIn("no collection spec", said)

    def test_the_schema_leaves_no_object_open_by_accident(self):
        schema = json.loads((chart.CHART / "values.schema.json").read_text())
        passed_on = {"#/definitions/kubernetes", "#/properties/global"}

        def walk(node, path):
            if not isinstance(node, dict):
                return
            if node.get("type") == "object" and path not in passed_on:
                self.assertIn("additionalProperties", node, path)
            for key, child in node.items():
                walk(child, f"{path}/{key}")
        walk(schema, "#")


class SettingsTest(unittest.TestCase):
    """What the chart writes is what the programs read."""

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="winnow-chart-")
        self.place = pathlib.Path(self.scratch.name)
        self.addCleanup(self.scratch.cleanup)

    def lay_out(self, objects, thing):
        """The pod's /etc/winnow in a folder of this machine; its settings point there."""
        etc = self.place / manifests.component_of(thing)
        (etc / "kafka").mkdir(parents=True)
        for name in ("ca.crt", "user.crt", "user.key", "password", "username"):
            (etc / "kafka" / name).write_text("anything\n")
        (etc / "spec.yaml").write_text(chart.SPEC.read_text())
        for name in manifests.names_mounted(thing, "ConfigMap"):
            made = manifests.named(objects, "ConfigMap", name) or {"data": {}}
            for file, text in made["data"].items():
                text = text.replace("/etc/winnow", str(etc)).replace("/var/lib", str(self.place))
                text = text.replace("/usr/share/winnow/models",
                                    str(chart.REPOSITORY / "build/models"))
                (etc / file).write_text(text)
        return etc

    def check(self, objects, stage):
        etc = self.lay_out(objects, manifests.workload(objects, stage))
        environment = {"PATH": os.environ["PATH"], "WINNOW_INSTANCE": f"winnow-{stage}-0",
                       "WINNOW_LANES": "2"}
        return chart.run(PROGRAMS / f"winnow-{stage}", "--check", "--config",
                         etc / f"{stage}.yaml", env=environment)

    def test_programs_accept_the_rendered_settings_and_spec(self):
        for case in CASES:
            objects = objects_of(case)
            for stage in manifests.STAGES:
                with self.subTest(case, stage=stage):
                    done = self.check(objects, stage)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    shutil.rmtree(self.place / stage)

    def test_programs_take_the_rendered_arguments(self):
        """`winnow` refuses options it does not know before it looks for a broker."""
        objects = objects_of("strimzi-scram")
        for thing in manifests.of_kind(objects, *manifests.WORKLOADS):
            for container in manifests.containers_of(thing):
                if container["command"] != ["/usr/bin/winnow"]:
                    continue
                with self.subTest(manifests.name_of(thing), container=container["name"]):
                    done = chart.run(PROGRAMS / "winnow", *container["args"], "--help")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    known = set(re.findall(r"--[a-z-]+", done.stdout))
                    given = {each for each in container["args"] if each.startswith("--")}
                    self.assertLessEqual(given, known)

    def test_schema_knows_the_settings_the_programs_know(self):
        """All of them but those that say where things are, which the chart decides."""
        described = chart.run(PROGRAMS / "winnow-validator", "--describe-config").stdout
        ours = {"spec", "instance", "models", "drain_seconds", "kafka.brokers",
                "kafka.topic_prefix", "kafka.properties", "kafka.property_files",
                "state.directory", "blobs.raw", "blobs.safe", "http.address", "http.port",
                "sink.directory"}
        schema = json.loads((chart.CHART / "values.schema.json").read_text())
        known = {key for key in flat_keys(schema["definitions"]["settings"])}
        self.assertEqual(known, set(described_keys(described)) - ours)


def described_keys(text):
    """`--describe-config` as dotted keys."""
    section = ""
    for line in text.splitlines():
        match = re.match(r"( *)([a-z_]+):( *\S.*)?$", line)
        if not match:
            continue
        if not match.group(1):
            section = "" if match.group(3) else match.group(2) + "."
        if match.group(3):
            yield (section if match.group(1) else "") + match.group(2)


def flat_keys(schema, prefix=""):
    for key, child in schema["properties"].items():
        if "properties" in child:
            yield from flat_keys(child, f"{prefix}{key}.")
        else:
            yield prefix + key


class MonitoringTest(unittest.TestCase):
    def rules(self):
        return manifests.of_kind(objects_of("monitored"), "PrometheusRule")[0]

    @unittest.skipUnless(shutil.which("promtool"), "no promtool: deploy/packages/install stack.txt")
    def test_prometheus_accepts_the_rendered_rules(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump(self.rules()["spec"], file)
            file.flush()
            done = chart.run("promtool", "check", "rules", file.name)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_rules_are_the_ones_of_deploy(self):
        source = chart.load(chart.REPOSITORY / "deploy/prometheus/rules.yml")
        groups = self.rules()["spec"]["groups"]
        for group in groups:
            for rule in group["rules"]:
                rule.get("annotations", {}).pop("runbook_url", None)
        self.assertEqual(groups, source["groups"])

    def test_alerts_lead_to_the_runbook(self):
        alerts = [rule for group in self.rules()["spec"]["groups"] for rule in group["rules"]
                  if rule.get("annotations", {}).get("runbook")]
        for rule in alerts:
            anchor = rule["annotations"]["runbook"].partition("#")[2]
            self.assertEqual(rule["annotations"]["runbook_url"],
                             f"https://wiki.example.org/winnow/runbook#{anchor}")

    def test_dashboards_are_the_ones_of_deploy(self):
        files = {path.name: path.read_text()
                 for path in (chart.REPOSITORY / "deploy/grafana/dashboards").glob("*.json")}
        found = {}
        for each in manifests.of_kind(objects_of("monitored"), "ConfigMap"):
            if manifests.labels_of(each).get("grafana_dashboard") == "1":
                found.update(each["data"])
        self.assertEqual(set(found), set(files))
        for name, text in files.items():
            self.assertEqual(json.loads(found[name]), json.loads(text), name)

    def test_nothing_of_other_operators_unless_asked(self):
        kinds = {each["kind"] for each in objects_of("minimal")}
        self.assertFalse(kinds & {"ServiceMonitor", "PrometheusRule", "ScaledObject"})


class DocumentsTest(unittest.TestCase):
    def test_the_readme_lists_every_value(self):
        text = values_table.README.read_text()
        self.assertEqual(text, values_table.with_table(text),
                         "run tests/chart/values_table.py --write")
        keys = {key for key, _, _ in values_table.rows()}
        for path in leaves(chart.load(chart.CHART / "values.yaml")):
            self.assertTrue(any(path == key or path.startswith(key + ".") for key in keys), path)

    def test_the_schema_knows_every_value(self):
        """And the values every key of the schema, where that is not a piece of Kubernetes."""
        schema = json.loads((chart.CHART / "values.schema.json").read_text())
        values = chart.load(chart.CHART / "values.yaml")
        self.assertEqual(set(schema["properties"]) - {"global"}, set(values))

    def test_the_examples_are_rendered_as_the_chart_is_now(self):
        with tempfile.TemporaryDirectory(prefix="winnow-chart-") as scratch:
            environment = {**os.environ, "PATH": f"{chart.TOOLS}:{os.environ['PATH']}"}
            done = chart.run(EXAMPLES / "render", scratch, env=environment)
            self.assertEqual(done.returncode, 0, done.stderr)
            for path in pathlib.Path(scratch).iterdir():
                self.assertEqual(path.read_text(), (EXAMPLES / "rendered" / path.name).read_text(),
                                 "run deploy/examples/kubernetes/render")

    def test_the_examples_hold_what_the_chart_promises(self):
        for path in sorted((EXAMPLES / "rendered").glob("*.yaml")):
            with self.subTest(path.stem):
                text = path.read_text()
                self.assertEqual(check_types(text), [])
                objects = chart.load_all(text)
                self.assertEqual(invariants.problems(objects, chart.app_version(), partitions()),
                                 [])
                self.assertTrue(all(kind != "ConfigMap" for kind, _ in
                                    invariants.missing_references(objects)))


def leaves(values, path=""):
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{path}{key}.")
        else:
            yield path + key


class OthersTest(unittest.TestCase):
    """What the rest of Winnow says of the chart, or the chart of the rest."""

    def test_users_and_zones_are_those_of_the_access_rights(self):
        users = {user["service"]: user["zone"] for user in json.loads(chart.run(
            PROGRAMS / "winnow", "topics", "acl", "--format", "json").stdout)["users"]}
        schema = json.loads((chart.CHART / "values.schema.json").read_text())
        auth = schema["properties"]["kafka"]["properties"]["auth"]["properties"]
        # The rest are tools for a person.
        self.assertEqual(set(auth["secrets"]["properties"]), set(users) - {"audit", "forget", "replay"})
        raw = {user for user, zone in users.items() if zone == "raw"} - {"audit", "replay"}
        self.assertEqual(raw, invariants.MAY_SEE_RAW - {"gateway"})

    def commands(self):
        """(file, command line) of every `kubectl` and `helm` that documents show."""
        for path in ("deploy/runbook.md", "deploy/README.md", "helm/winnow/README.md",
                     "deploy/examples/kubernetes/README.md", "helm/winnow/templates/NOTES.txt"):
            text = (chart.REPOSITORY / path).read_text().replace("\\\n", " ")
            for command in re.findall(r"(?:kubectl|helm) [^`|\n]+", text):
                yield path, command

    def test_label_selectors_in_documents_find_something(self):
        labels = [manifests.labels_of(each) for case in ("monitored", "strimzi-scram")
                  for thing in manifests.of_kind(objects_of(case), *manifests.WORKLOADS)
                  for each in (thing, manifests.pod_of(thing))]
        found = 0
        for path, command in self.commands():
            for key, value in re.findall(r"-l ([a-z./]+)=([^ )']+)", command):
                found += 1
                known = {each[key] for each in labels if key in each}
                with self.subTest(path, command=command):
                    self.assertTrue(value in known or known and re.search("[A-Z{]", value))
        self.assertGreater(found, 3)

    def test_values_in_documents_exist(self):
        paths = {key for key, _, _ in values_table.rows()}
        found = 0
        for path, command in self.commands():
            for key in re.findall(r"--set(?:-file|-string)?[ =]([\w.-]+)=", command):
                found += 1
                with self.subTest(path, command=command):
                    self.assertTrue(any(key == each or key.startswith(each + ".")
                                        for each in paths), key)
        self.assertGreater(found, 3)

    def test_the_scaler_asks_for_a_metric_there_is(self):
        described = (chart.REPOSITORY / "libs/telemetry/README.md").read_text()
        for scaled in manifests.of_kind(objects_of("scaled"), "ScaledObject"):
            query = scaled["spec"]["triggers"][0]["metadata"]["query"]
            metric = re.search(r"winnow_\w+", query).group()
            self.assertIn(f"`{metric}`", described)
            stage = scaled["metadata"]["labels"]["app.kubernetes.io/component"]
            self.assertIn(f'stage="{stage}"', query)


class PackageTest(unittest.TestCase):
    def test_a_package_renders_what_the_folder_renders(self):
        with tempfile.TemporaryDirectory(prefix="winnow-chart-") as scratch:
            chart.helm("package", chart.CHART, "--destination", scratch)
            package, = pathlib.Path(scratch).glob("winnow-*.tgz")
            with tarfile.open(package) as archive:
                links = [each.name for each in archive if each.issym() or each.islnk()]
            self.assertEqual(links, [])
            self.assertEqual(rendered("monitored", chart=package), rendered("monitored"))


def main():
    global PROGRAMS
    if not shutil.which("go") and not (chart.TOOLS / "helm").exists():
        print("no go here: deploy/packages/install chart.txt")
        sys.exit(77)
    PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
    subprocess.run([chart.HERE / "install"], check=True)
    unittest.main()


if __name__ == "__main__":
    main()
