"""The deduper's index within the memory its pod may have: what the chart makes of limit and spec.

Exits with 77 (skipped) without the tools of tests/chart/install or PyYAML.
"""
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
import manifests  # noqa: E402

MINIMAL = chart.HERE / "values/minimal.yaml"
COLLECTION = f"--set-file=spec.inline={chart.SPEC.with_name('retail-shelf.yaml')}"
SOURCES = f"--set-file=spec.inline={chart.SPEC}"
LIMIT = "--set=stages.deduper.resources.limits.memory="
GIVEN = "stages.deduper.settings.deduper.index_memory="


def settings(stage, *options):
    objects = chart.load_all(chart.render(MINIMAL, options=options))
    return chart.yaml.safe_load(manifests.named(objects, "ConfigMap", f"winnow-{stage}")
                                ["data"][f"{stage}.yaml"])


def index_memory(*options):
    return settings("deduper", *options)["deduper"]["index_memory"]


class IndexMemoryTest(unittest.TestCase):
    def refusal(self, *options):
        return chart.complaint(*chart.template_arguments(MINIMAL), *options)

    def test_is_what_the_limit_leaves(self):
        self.assertEqual(index_memory(COLLECTION), "640MiB")
        self.assertEqual(index_memory(COLLECTION, LIMIT + "4Gi"), "3712MiB")
        self.assertEqual(index_memory(COLLECTION, LIMIT + "2G"), "1523MiB")

    def test_batches_have_their_part(self):
        for where in ("settings", "stages.deduper.settings"):
            self.assertEqual(
                index_memory(COLLECTION, f"--set={where}.max_bytes_in_flight=256MiB"), "512MiB")

    def test_is_divided_where_every_partition_may_have_one(self):
        self.assertEqual(index_memory(SOURCES), "106MiB")
        # Nobody knows the scope of a spec in a ConfigMap.
        self.assertEqual(index_memory("--set=spec.existingConfigMap=mine"), "106MiB")

    def test_a_spec_that_is_wrong_is_left_to_the_job_that_checks_it(self):
        for text in ("dedup: near", "[]", ": no yaml"):
            self.assertEqual(index_memory("--set-string=spec.inline=" + text), "640MiB")

    def test_is_the_users_own_where_it_fits(self):
        for text in ("0", "512MiB", "600MB"):
            self.assertEqual(str(index_memory(COLLECTION, "--set=" + GIVEN + text)), text)
        self.assertEqual(index_memory(COLLECTION, "--set-string=" + GIVEN + "0.6 GiB"), "0.6 GiB")
        self.assertEqual(index_memory(COLLECTION, "--set=settings.deduper.index_memory=1MiB",
                                      "--set=" + GIVEN + "2MiB"), "2MiB")

    def test_is_refused_where_it_does_not_fit(self):
        for text in ("641MiB", "0.7 GiB", "1TB"):
            said = self.refusal(COLLECTION, "--set-string=" + GIVEN + text)
            self.assertIn("640MiB are free", said)
        self.assertIn("for each of 6 partitions",
                      self.refusal(SOURCES, "--set=" + GIVEN + "107MiB"))
        self.assertEqual(self.refusal(SOURCES, "--set=" + GIVEN + "106MiB"), "")

    def test_is_the_services_default_without_a_limit(self):
        self.assertNotIn("deduper", settings("deduper", COLLECTION, LIMIT + "null"))

    def test_concerns_no_other_stage(self):
        for stage in ("validator", "privacy-blurrer", "balancer", "sink"):
            self.assertNotIn("deduper", settings(stage, COLLECTION))


if __name__ == "__main__":
    if not shutil.which("go") and not (chart.TOOLS / "helm").exists():
        print("no go here: deploy/packages/install chart.txt")
        sys.exit(77)
    subprocess.run([chart.HERE / "install"], check=True)
    unittest.main()
