"""deploy/compose.yaml and deploy/stack run the same: stages, topics, settings, places, targets.

Without a Docker to ask, the file is parsed as YAML and compared with pipeline.py, which
deploy/stack runs. Needs PyYAML: exits with 77 (skipped) without it.
"""
import json
import pathlib
import re
import sys
import unittest

try:
    import yaml
except ImportError:
    print("PyYAML is not installed")
    sys.exit(77)

sys.dont_write_bytecode = True
DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
sys.path[:0] = [str(DEPLOY / "local"), str(DEPLOY / "kafka")]
import broker  # noqa: E402
import pipeline as local  # noqa: E402

COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]


def local_settings(stage):
    """Environment variables deploy/stack sets for the stage."""
    somewhere = local.Pipeline("/nowhere", "/nowhere", "broker:1", "/nowhere/spec.yaml")
    return local.environment(somewhere.add(stage, 0, 1).settings())


def mounts(service):
    """Places inside the container that are mounted: {target: source}."""
    pairs = [re.match(r"(\$\{[^}]*\}|[^:]*):([^:]+)", text).groups()
             for text in SERVICES[service].get("volumes", [])]
    return {target: re.sub(r"\$\{\w+:-(.*)\}", r"\1", source) for source, target in pairs}


class ComposeTest(unittest.TestCase):
    def test_runs_the_same_stages(self):
        others = {"kafka", "topics", "ingest", "prometheus"}
        self.assertEqual(set(SERVICES) - others, set(local.STAGES))

    def test_tells_each_stage_what_the_stack_tells_it(self):
        for stage in local.STAGES:
            with self.subTest(stage):
                # One pipeline a cluster: no prefix.
                self.assertEqual(set(SERVICES[stage]["environment"]),
                                 set(local_settings(stage)) - {"WINNOW_KAFKA__TOPIC_PREFIX"})

    def test_reads_the_configuration_the_stack_reads(self):
        for stage in local.STAGES:
            with self.subTest(stage):
                self.assertEqual(SERVICES[stage]["command"],
                                 [f"winnow-{stage}", "--config",
                                  f"/etc/winnow/services/{stage}.yaml"])
                self.assertTrue((DEPLOY / f"services/{stage}.yaml").is_file())

    def test_mounts_every_place_a_stage_writes_to(self):
        for stage in local.STAGES:
            for key, place in SERVICES[stage]["environment"].items():
                if key in ("WINNOW_BLOBS__RAW", "WINNOW_BLOBS__SAFE", "WINNOW_STATE__DIRECTORY",
                           "WINNOW_SINK__DIRECTORY"):
                    with self.subTest(stage, key=key):
                        self.assertTrue(any(place.startswith(target) for target in mounts(stage)))

    def test_mounts_files_that_are_there(self):
        for name in SERVICES:
            for target, source in mounts(name).items():
                if source.startswith("./") and name != "ingest" or source.endswith(".yaml"):
                    with self.subTest(name, target=target):
                        self.assertTrue((DEPLOY / source).exists(), source)

    def test_declares_every_volume_it_mounts(self):
        named = {source for name in SERVICES for source in mounts(name).values()
                 if not source.startswith((".", "/"))}
        self.assertEqual(named, set(COMPOSE["volumes"]))

    def test_keeps_the_zones_apart(self):
        for stage in ("deduper", "balancer", "sink"):
            self.assertNotIn("WINNOW_BLOBS__RAW", SERVICES[stage]["environment"])

    def test_waits_longer_than_a_service_drains(self):
        for stage in local.STAGES:
            self.assertGreater(int(SERVICES[stage]["stop_grace_period"].removesuffix("s")), 30)

    def test_runs_the_broker_that_deploy_kafka_installs(self):
        version = re.search(r"kafka_2.13</artifactId>\s*<version>([\d.]+)<",
                            (DEPLOY / "kafka/pom.xml").read_text()).group(1)
        self.assertEqual(SERVICES["kafka"]["image"], f"apache/kafka:{version}")

    def test_sets_the_broker_as_deploy_kafka_does(self):
        given = {key.removeprefix("KAFKA_").lower().replace("_", "."): value
                 for key, value in SERVICES["kafka"]["environment"].items()}
        for key in ("offsets.topic.replication.factor", "transaction.state.log.min.isr",
                    "transaction.state.log.replication.factor", "auto.create.topics.enable",
                    "process.roles", "controller.listener.names"):
            with self.subTest(key):
                self.assertEqual(given[key], broker.COMMON[key])

    def test_asks_every_stage_for_metrics(self):
        targets = json.loads((DEPLOY / "prometheus/compose-targets.json").read_text())
        port = SERVICES["sink"]["environment"]["WINNOW_HTTP__PORT"]
        self.assertEqual({target for group in targets for target in group["targets"]},
                         {f"{stage}:{port}" for stage in local.STAGES})


if __name__ == "__main__":
    unittest.main()
