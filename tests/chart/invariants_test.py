"""The checks themselves: each finds what it is there to find. Manifests that hold are broken in one
place, and the check must say so.

Exits with 77 (skipped) without the tools of tests/chart/install or PyYAML.
"""
import copy
import pathlib
import shutil
import subprocess
import sys
import unittest

try:
    import yaml  # noqa: F401
except ImportError:
    print("PyYAML is not installed: deploy/packages/install test.txt")
    sys.exit(77)

sys.dont_write_bytecode = True
import chart  # noqa: E402
import chart_test  # noqa: E402
import invariants  # noqa: E402
import manifests  # noqa: E402

CASES = ("strimzi-scram", "monitored", "scaled")


def stage(objects, name):
    return manifests.workload(objects, name)


def pod(objects, name):
    return manifests.pod_of(stage(objects, name))["spec"]


def container(objects, name):
    return pod(objects, name)["containers"][0]


def security(objects, name):
    return container(objects, name)["securityContext"]


def named(objects, kind, name):
    return manifests.named(objects, kind, name)


def volume(objects, name, kind):
    return next(each for each in pod(objects, name)["volumes"] if each["name"] == kind)


def sources(objects, name):
    return volume(objects, name, "config")["projected"]["sources"]


def remove(objects, kind, name):
    objects.remove(named(objects, kind, name))


def settings(objects, name, old, new):
    data = named(objects, "ConfigMap", f"winnow-{name}")["data"]
    assert old in data[f"{name}.yaml"]
    data[f"{name}.yaml"] = data[f"{name}.yaml"].replace(old, new)


def mount_raw(objects):
    pod(objects, "sink")["volumes"].append(
        {"name": "raw", "persistentVolumeClaim": {"claimName": "winnow-blobs-raw"}})


def borrow_credentials(objects):
    sources(objects, "deduper").append(
        {"secret": {"name": "winnow-validator", "items": [{"key": "password", "path": "x"}]}})


def let_neighbours_in(objects):
    policy = named(objects, "NetworkPolicy", "winnow-safe")
    policy["spec"]["ingress"][0]["from"].append(
        {"podSelector": {"matchLabels": {"app.kubernetes.io/component": "validator"}}})


def share_a_selector(objects):
    for thing in (stage(objects, "sink"), named(objects, "Service", "winnow-sink")):
        selector = thing["spec"]["selector"]
        selector.get("matchLabels", selector).pop("app.kubernetes.io/component")


# What is broken, in which case, how, and what must be said of it.
MUTATIONS = [
    ("a sink that mounts raw blobs", "strimzi-scram", mount_raw, "mounts the raw blobs"),
    ("a deduper with the validator's password", "strimzi-scram", borrow_credentials,
     "holds Secret winnow-validator of the raw zone"),
    ("a balancer that is told of raw blobs", "monitored",
     lambda o: settings(o, "balancer", "blobs:", "blobs:\n  raw: /var/lib/winnow/blobs/raw"),
     "is told where raw blobs are"),
    ("a pod in the wrong zone", "monitored",
     lambda o: manifests.pod_of(stage(o, "sink"))["metadata"]["labels"].update(
         {"winnow/zone": "raw"}), "not labelled winnow/zone: safe"),
    ("nothing denied", "monitored", lambda o: remove(o, "NetworkPolicy", "winnow-deny"),
     "under no policy that denies everything"),
    ("the raw zone without a policy", "monitored",
     lambda o: remove(o, "NetworkPolicy", "winnow-raw"), "under no policy of the zone raw"),
    ("a way between stages", "monitored", let_neighbours_in,
     "lets pods of its own namespace in"),
    ("a way out to everywhere", "monitored",
     lambda o: named(o, "NetworkPolicy", "winnow-raw")["spec"]["egress"].append({}),
     "out to every port"),
    ("a way to the web", "monitored",
     lambda o: named(o, "NetworkPolicy", "winnow-raw")["spec"]["egress"].append(
         {"ports": [{"port": 443}]}), "out to port 443"),
    ("a deduper as a Deployment", "monitored",
     lambda o: stage(o, "deduper").update(kind="Deployment"), "have no lasting names"),
    ("no headless Service", "monitored",
     lambda o: named(o, "Service", "winnow-sink")["spec"].pop("clusterIP"),
     "has no headless Service"),
    ("state that a restart loses", "monitored",
     lambda o: stage(o, "balancer")["spec"].pop("volumeClaimTemplates"),
     "on no volume of its own"),
    ("one instance for all", "monitored",
     lambda o: container(o, "validator")["env"].__setitem__(
         0, {"name": "WINNOW_INSTANCE", "value": "validator-0"}), "is not the pod's name"),
    ("root", "monitored", lambda o: security(o, "sink").update(runAsUser=0), "runAsUser is 0"),
    ("a writable root", "monitored",
     lambda o: security(o, "sink").update(readOnlyRootFilesystem=False),
     "readOnlyRootFilesystem is False"),
    ("privileges", "monitored", lambda o: security(o, "sink").update(privileged=True),
     "privileged is set"),
    ("a capability", "monitored",
     lambda o: security(o, "sink").update(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
     "capabilities is"),
    ("a token", "monitored", lambda o: pod(o, "sink").pop("automountServiceAccountToken"),
     "is given a token"),
    ("the node's files", "monitored",
     lambda o: pod(o, "sink")["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
     "mounts a folder of the node"),
    ("a password in the environment", "monitored",
     lambda o: container(o, "sink")["env"].append(
         {"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "p"}}}),
     "a secret in the environment"),
    ("a silent end", "monitored",
     lambda o: container(o, "sink").pop("terminationMessagePolicy"), "ends without a word"),
    ("another version", "monitored",
     lambda o: container(o, "sink").update(image="winnow-sink:latest"), "not version"),
    ("another image", "monitored",
     lambda o: container(o, "sink").update(image=f"winnow-deduper:{chart.app_version()}"),
     "not winnow-sink"),
    ("no requests", "monitored", lambda o: container(o, "sink")["resources"].pop("requests"),
     "no requests.cpu"),
    ("no readiness", "monitored", lambda o: container(o, "sink").pop("readinessProbe"),
     "readinessProbe asks"),
    ("restarts for a missing broker", "monitored",
     lambda o: container(o, "sink")["livenessProbe"]["httpGet"].update(path="/readyz"),
     "livenessProbe asks"),
    ("killed while it drains", "monitored",
     lambda o: pod(o, "sink").update(terminationGracePeriodSeconds=30), "but drains for"),
    ("a longer drain", "monitored",
     lambda o: settings(o, "sink", "drain_seconds: 25s", "drain_seconds: 45s"), "drains for 45"),
    ("a key nobody made", "monitored",
     lambda o: named(o, "ConfigMap", "winnow-spec")["data"].clear(), "has no spec.yaml"),
    ("a hook that needs the release", "monitored",
     lambda o: named(o, "ConfigMap", "winnow-topics")["metadata"].pop("annotations"),
     "which is made after it"),
    ("topics after the install", "monitored",
     lambda o: named(o, "Job", "winnow-topics")["metadata"]["annotations"].update(
         {"helm.sh/hook": "post-install"}), "does not run before"),
    ("a selector for two", "monitored", share_a_selector, "selects the pods of"),
    ("no budget", "monitored", lambda o: remove(o, "PodDisruptionBudget", "winnow-deduper"),
     "no budget of one pod"),
    ("a stage nobody scrapes", "monitored",
     lambda o: named(o, "Service", "winnow-sink")["metadata"]["labels"].clear(), "finds ["),
    ("another job", "monitored",
     lambda o: named(o, "ServiceMonitor", "winnow")["spec"]["endpoints"][0]["relabelings"].pop(0),
     "is not called winnow"),
    ("more than partitions", "scaled",
     lambda o: named(o, "ScaledObject", "winnow-validator")["spec"].update(maxReplicaCount=13),
     "more than 12 instances would idle"),
    ("replicas and a scaler", "scaled",
     lambda o: stage(o, "validator")["spec"].update(replicas=2), "every upgrade would set back"),
    ("a scaled deduper", "scaled",
     lambda o: named(o, "ScaledObject", "winnow-validator")["spec"]["scaleTargetRef"].update(
         name="winnow-deduper"), "no Deployment of the chart"),
    ("a name given twice", "monitored",
     lambda o: o.append(copy.deepcopy(named(o, "Service", "winnow-sink"))), "is there twice"),
]

# The same for the API types: what is written wrong, and what must be said.
WRONG_TEXTS = [
    ("an unknown field", "replicas: 1", "replica: 1", 'unknown field "spec.replica"'),
    ("a field given twice", "  clusterIP: None", "  clusterIP: None\n  clusterIP: None",
     "already set"),
    ("a number for a text", "fieldPath: metadata.name", "fieldPath: 1", "cannot unmarshal number"),
    ("an unknown kind", "kind: PodDisruptionBudget", "kind: PodDisruptionBudgets", "no kind"),
    ("a pod that is not restricted", "capabilities: {drop: [ALL]}", "capabilities: {drop: [KILL]}",
     "not admitted as restricted: unrestricted capabilities"),
    ("a monitor's unknown field", "scrapeTimeout:", "scrape_timeout:", "unknown field"),
]


class MutationTest(unittest.TestCase):
    def found(self, case, objects):
        return invariants.problems(objects, chart.app_version(), chart_test.partitions())

    def test_nothing_is_wrong_before(self):
        for case in CASES:
            with self.subTest(case):
                self.assertEqual(self.found(case, chart_test.objects_of(case)), [])

    def test_finds_what_is_broken(self):
        for what, case, break_it, expected in MUTATIONS:
            with self.subTest(what):
                objects = chart_test.objects_of(case)
                break_it(objects)
                found = self.found(case, objects)
                self.assertTrue(any(expected in each for each in found), found)

    def test_every_check_is_tried(self):
        """A check that no mutation reaches proves nothing."""
        idle = set(invariants.ON_OBJECTS + invariants.ON_NETWORK)
        for _, case, break_it, _ in MUTATIONS:
            objects = chart_test.objects_of(case)
            break_it(objects)
            idle -= {check for check in idle if list(check(objects))}
        self.assertEqual({check.__name__ for check in idle}, set())

    def test_sees_what_the_chart_does_not_make(self):
        objects = chart_test.objects_of("monitored")
        remove(objects, "ConfigMap", "winnow-sink")
        remove(objects, "PersistentVolumeClaim", "winnow-dataset")
        self.assertEqual(invariants.missing_references(objects), {
            ("ConfigMap", "winnow-sink"), ("PersistentVolumeClaim", "winnow-dataset")})

    def test_types_are_strict(self):
        for what, old, new, expected in WRONG_TEXTS:
            with self.subTest(what):
                text = chart_test.rendered("monitored")
                self.assertIn(old, text)
                found = chart_test.check_types(text.replace(old, new, 1))
                self.assertTrue(any(expected in each for each in found), found)

    def test_scaled_objects_are_strict(self):
        for old, new, expected in (("pollingInterval:", "pollInterval:", "is unknown"),
                                   ("pollingInterval: 30", "pollingInterval: soon", "no integer"),
                                   ("  scaleTargetRef:", "  scaleTarget:", "is missing")):
            with self.subTest(new):
                text = chart_test.rendered("scaled")
                self.assertIn(old, text)
                found = chart_test.check_types(text.replace(old, new, 1))
                self.assertTrue(any(expected in each for each in found), found)


if __name__ == "__main__":
    if not shutil.which("go") and not (chart.TOOLS / "helm").exists():
        print("no go here: deploy/packages/install chart.txt")
        sys.exit(77)
    subprocess.run([pathlib.Path(chart.HERE) / "install"], check=True)
    unittest.main()
