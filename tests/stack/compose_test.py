"""deploy/compose.yaml and deploy/stack run the same: stages, topics, settings, places, health,
feed, rules, dashboards; and containers are allowed what they need and no more.

Without a Docker to ask, the file is parsed as YAML and compared with what deploy/stack runs
(deploy/local), with the images (deploy/image) and with the repository. Where a docker-compose is
installed, it has the last word on the file's form. Needs PyYAML: exits with 77 (skipped) without.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

try:
    import yaml
except ImportError:
    print("PyYAML is not installed")
    sys.exit(77)

sys.dont_write_bytecode = True
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"
sys.path[:0] = [str(DEPLOY / "local"), str(DEPLOY / "kafka")]
import broker  # noqa: E402
import follower  # noqa: E402
import monitoring  # noqa: E402
import pipeline as local  # noqa: E402
import plan  # noqa: E402

TEXT = (DEPLOY / "compose.yaml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
RAW_ZONE = {"ingest", "validator", "privacy-blurrer"}
PROGRAMS = (*local.STAGES, "topics", "ingest")
PLACES = ("WINNOW_BLOBS__RAW", "WINNOW_BLOBS__SAFE", "WINNOW_STATE__DIRECTORY",
          "WINNOW_SINK__DIRECTORY")


def local_settings(stage):
    """Environment variables deploy/stack sets for the stage."""
    somewhere = local.Pipeline("/nowhere", "/nowhere", "broker:1", "/nowhere/spec.yaml",
                               settings=plan.SETTINGS)
    return local.environment(somewhere.add(stage, 0, 1).settings())


def mounts(service):
    """Places inside the container that are mounted: {target: source}."""
    pairs = [re.match(r"(\$\{[^}]*\}|[^:]*):([^:]+)", text).groups()
             for text in SERVICES[service].get("volumes", [])]
    return {target: re.sub(r"\$\{\w+:-(.*)\}", r"\1", source) for source, target in pairs}


def volumes(service):
    """Named ones, or what stands for them."""
    return {source for source in mounts(service).values() if not source.startswith((".", "/"))}


class SameAsStackTest(unittest.TestCase):
    def test_runs_the_same_programs(self):
        others = {"kafka", "topics", "ingest", "prometheus", "grafana"}
        self.assertEqual(set(SERVICES) - others, set(local.STAGES))
        self.assertFalse([name for name in SERVICES if "profiles" in SERVICES[name]],
                         "all of them are always on")

    def test_tells_each_stage_what_the_stack_tells_it(self):
        for stage in local.STAGES:
            with self.subTest(stage):
                # One pipeline a cluster: no prefix.
                self.assertEqual(set(SERVICES[stage]["environment"]),
                                 set(local_settings(stage)) - {"WINNOW_KAFKA__TOPIC_PREFIX"})

    def test_gives_the_settings_of_the_stack_the_same_values(self):
        for stage in local.STAGES:
            for name, value in local.environment(plan.SETTINGS).items():
                with self.subTest(stage, name=name):
                    self.assertEqual(SERVICES[stage]["environment"][name], value)

    def test_follows_a_folder_as_the_stack_does(self):
        flags = [word for word in SERVICES["ingest"]["command"] if word.startswith("--")]
        command = follower.Follower(pathlib.Path("/d")).command("winnow", "s", "f", "b")
        expected = [word for word in command if word.startswith("--")]
        self.assertEqual(flags, [*expected, "--follow", "--every"])
        self.assertEqual(SERVICES["ingest"]["command"][-1], str(follower.EVERY_SECONDS))
        self.assertEqual(SERVICES["ingest"]["command"][:2], ["ingest", "/etc/winnow/spec.yaml"])
        self.assertIn("/input", mounts("ingest"))

    def test_makes_the_topics_of_the_stack(self):
        command = SERVICES["topics"]["command"]
        self.assertEqual(command[:2], ["topics", "apply"])
        self.assertEqual((DEPLOY / mounts("topics")[command[2]]).resolve(), DEPLOY / "topics.yaml")
        self.assertEqual(command[-2:], ["--replication", "1"])
        for name in (*local.STAGES, "ingest"):
            self.assertEqual(SERVICES[name]["depends_on"],
                             {"topics": {"condition": "service_completed_successfully"}}, name)

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

    def test_asks_every_stage_for_metrics_under_the_names_of_the_stack(self):
        targets = json.loads((DEPLOY / "prometheus/compose-targets.json").read_text())
        port = SERVICES["sink"]["environment"]["WINNOW_HTTP__PORT"]
        self.assertEqual({(target, group["labels"]["job"], group["labels"]["instance"])
                          for group in targets for target in group["targets"]},
                         {(f"{stage}:{port}", "winnow", f"{stage}-0") for stage in local.STAGES})
        for stage in local.STAGES:
            self.assertEqual(SERVICES[stage]["environment"]["WINNOW_INSTANCE"], f"{stage}-0")

    def test_gives_prometheus_the_rules_of_the_stack(self):
        given = mounts("prometheus")
        for name in ("prometheus.yml", "rules.yml"):
            self.assertEqual(given[f"/etc/prometheus/{name}"], f"./prometheus/{name}")
        self.assertIn("/etc/prometheus/targets/winnow.json", given)

    def test_starts_grafana_as_the_stack_does(self):
        environment = SERVICES["grafana"]["environment"]
        stack = monitoring.Grafana(pathlib.Path("/d"), 1).settings("http://prometheus:9090")
        # Where it keeps its data and listens is its image's affair.
        own = {name for name in stack if name.startswith("GF_SERVER_")} | {
            "GF_PATHS_DATA", "GF_PATHS_LOGS", "GF_PATHS_PLUGINS"}
        self.assertEqual(set(environment), set(stack) - own)
        for name, value in environment.items():
            if not value.startswith("/"):
                self.assertEqual(value, stack[name], name)
        places = {place: DEPLOY / source for place, source in mounts("grafana").items()}
        self.assertEqual(places[environment["GF_PATHS_PROVISIONING"]].resolve(),
                         monitoring.PROVISIONING)
        self.assertEqual(places[environment["WINNOW_DASHBOARDS"]].resolve(), monitoring.DASHBOARDS)
        home = environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
        self.assertTrue((monitoring.DASHBOARDS / pathlib.Path(home).name).is_file(), home)


class ImagesTest(unittest.TestCase):
    def setUp(self):
        self.dockerfile = (DEPLOY / "image/Dockerfile").read_text()

    def test_runs_the_image_of_each_program_in_this_version(self):
        version = re.search(r"project\(winnow VERSION ([\d.]+)",
                            (REPOSITORY / "CMakeLists.txt").read_text()).group(1)
        for name in PROGRAMS:
            image = f"winnow-{name}" if name in local.STAGES else "winnow"
            with self.subTest(name):
                self.assertEqual(SERVICES[name]["image"],
                                 f"${{WINNOW_REGISTRY:-}}{image}:${{WINNOW_VERSION:-{version}}}")

    def test_leaves_program_and_settings_to_the_image(self):
        for stage in local.STAGES:
            with self.subTest(stage):
                self.assertNotIn("command", SERVICES[stage])
                self.assertNotIn("entrypoint", SERVICES[stage])
                self.assertIn(f'ENTRYPOINT ["/usr/bin/winnow-{stage}"]\n'
                              f'CMD ["--config", "/etc/winnow/{stage}.yaml"]', self.dockerfile)

    def test_asks_each_service_for_its_health_as_its_image_does(self):
        for stage in local.STAGES:
            test = SERVICES[stage]["healthcheck"]["test"]
            with self.subTest(stage):
                self.assertEqual(test[0], "CMD")
                self.assertIn(f"CMD {json.dumps(test[1:])}", self.dockerfile)

    def test_is_the_user_of_the_image(self):
        user = re.search(r"^USER (\S+)$", self.dockerfile, re.MULTILINE).group(1)
        for name in PROGRAMS:
            self.assertEqual(SERVICES[name]["user"], user, name)


class AllowedTest(unittest.TestCase):
    def test_programs_may_do_nothing_but_write_to_their_volumes(self):
        for name in PROGRAMS:
            with self.subTest(name):
                service = SERVICES[name]
                self.assertIs(service["read_only"], True)
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                self.assertFalse({"privileged", "cap_add", "ports", "network_mode", "pid",
                                  "devices"} & set(service))

    def test_files_of_the_host_are_read_only_but_the_dataset(self):
        for name in SERVICES:
            for text in SERVICES[name].get("volumes", []):
                if text.startswith((".", "${")) and "WINNOW_DATASET" not in text:
                    with self.subTest(name, text=text):
                        self.assertTrue(text.endswith(":ro"))

    def test_mounts_every_place_a_stage_writes_to(self):
        for stage in local.STAGES:
            for key, place in SERVICES[stage]["environment"].items():
                if key in PLACES:
                    with self.subTest(stage, key=key):
                        self.assertTrue(any(place.startswith(target) for target in mounts(stage)))

    def test_mounts_nothing_a_stage_is_not_told_of(self):
        for stage in local.STAGES:
            told = [place for key, place in SERVICES[stage]["environment"].items()
                    if key in PLACES]
            for target, source in mounts(stage).items():
                if source in volumes(stage):
                    with self.subTest(stage, target=target):
                        self.assertTrue(any(place.startswith(target) for place in told))

    def test_raw_blobs_are_for_the_raw_zone_alone(self):
        self.assertEqual({name for name in SERVICES if "blobs-raw" in volumes(name)}, RAW_ZONE)
        for stage in set(local.STAGES) - RAW_ZONE:
            self.assertNotIn("WINNOW_BLOBS__RAW", SERVICES[stage]["environment"])

    def test_nobody_shares_state(self):
        owners = {}
        for name in SERVICES:
            for volume in volumes(name):
                owners.setdefault(volume, set()).add(name)
        for volume in COMPOSE["volumes"]:
            if not volume.startswith("blobs-"):
                self.assertEqual(len(owners[volume]), 1, volume)

    def test_declares_every_volume_it_mounts(self):
        named = set().union(*(volumes(name) for name in SERVICES))
        self.assertEqual({name for name in named if not name.startswith("$")},
                         set(COMPOSE["volumes"]))

    def test_mounts_files_that_are_there(self):
        for name in SERVICES:
            for target, source in mounts(name).items():
                if source.startswith("./"):
                    with self.subTest(name, target=target):
                        self.assertTrue((DEPLOY / source).exists(), source)

    def test_figures_and_broker_have_networks_of_their_own(self):
        on = {name: set(SERVICES[name]["networks"]) for name in SERVICES}
        for stage in local.STAGES:
            self.assertEqual(on[stage], {"broker", "watch"})
        for name in ("kafka", "topics", "ingest"):
            self.assertEqual(on[name], {"broker"})
        for name in ("prometheus", "grafana"):
            self.assertEqual(on[name], {"watch"})

    def test_ports_of_the_host_are_open_to_itself_alone(self):
        for name in SERVICES:
            for port in SERVICES[name].get("ports", []):
                self.assertTrue(port.startswith("127.0.0.1:"), port)

    def test_waits_longer_than_a_service_drains(self):
        for stage in local.STAGES:
            self.assertGreater(int(SERVICES[stage]["stop_grace_period"].removesuffix("s")), 30)


@unittest.skipUnless(shutil.which("docker-compose"), "no docker-compose installed")
class ComposeItselfTest(unittest.TestCase):
    def config(self, **environment):
        # The docker-compose of Debian 12 (1.29) does not know `name` yet.
        text = re.sub(r"^name:.*\n", "", TEXT, flags=re.MULTILINE)
        return subprocess.run(["docker-compose", "--file", "-", "--project-directory", DEPLOY,
                               "config"], input=text, capture_output=True, text=True, check=False,
                              env={**os.environ, **environment})

    def test_takes_the_file(self):
        done = self.config(WINNOW_INPUT="/photos", WINNOW_REGISTRY="registry/", WINNOW_VERSION="9")
        self.assertEqual(done.returncode, 0, done.stderr)
        services = yaml.safe_load(done.stdout)["services"]
        self.assertEqual(services["sink"]["image"], "registry/winnow-sink:9")
        self.assertEqual(set(services), set(SERVICES))

    def test_asks_for_the_folder_of_images(self):
        done = self.config(WINNOW_INPUT="")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("set it to a folder of images", done.stderr)


if __name__ == "__main__":
    unittest.main()
