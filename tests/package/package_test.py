"""The .deb on a bare Debian 12 with a systemd of its own: installed by apt, used without a broker, its
units run against a real one, upgraded, removed, purged. Tests run in the order of their numbers; each
goes on where the one before it ended.

usage: package_test.py BUILD_DIR. Exits with 77 (skipped) without root, systemd-nspawn or a broker.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path[:0] = [str(HERE), str(REPOSITORY / "deploy/kafka")]
import broker  # noqa: E402
from machine import Machine, skip, wait_until  # noqa: E402

STAGES = ("validator", "privacy-blurrer", "deduper", "balancer", "sink")
UNITS = [f"winnow-{stage}.service" for stage in STAGES]
PICTURES = 24
EXPOSURE = 15  # tenths, of 100: measured 14 and 15
RAW, SAFE, DATASET = (f"/var/lib/winnow/{name}" for name in ("blobs/raw", "blobs/safe", "dataset"))


def requirements():
    if os.geteuid() != 0:
        skip("containers need root")
    for tool in ("systemd-nspawn", "dpkg-shlibdeps", "cpack"):
        if not shutil.which(tool):
            skip(f"no {tool}: deploy/packages/install package.txt")
    if not (REPOSITORY / "build/kafka/lib").is_dir():
        skip("no broker installed: deploy/kafka/install")


def make_package(place):
    shutil.rmtree(place, ignore_errors=True)
    done = subprocess.run(["cpack", "--config", BUILD / "CPackConfig.cmake", "-B", place],
                          capture_output=True, text=True, check=False, cwd=BUILD)
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    return next(place.glob("*.deb"))


def newer(package, place):
    """The same as version 9, in which the settings of two services have changed."""
    subprocess.run(["dpkg-deb", "-R", package, place], check=True)
    control = place / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", "Version: 9", control.read_text()))
    for stage in ("sink", "deduper"):
        with (place / f"etc/winnow/{stage}.yaml").open("a") as file:
            file.write("# of version 9\n")
    subprocess.run(["dpkg-deb", "-b", "-Zgzip", "-z1", place, place.parent / "newer.deb"],
                   check=True, stdout=subprocess.DEVNULL)
    return place.parent / "newer.deb"


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        requirements()
        cls.place = BUILD / "package_test"
        cls.package = make_package(cls.place / "deb")
        cls.machine = Machine(cls.place / "archives")
        cls.addClassCleanup(cls.machine.delete)
        if not cls.machine.can_be_started():
            skip("systemd-nspawn starts no container here")
        cls.kafka = broker.Broker(cls.place / "broker")
        cls.addClassCleanup(shutil.rmtree, cls.place / "broker", ignore_errors=True)
        cls.addClassCleanup(cls.kafka.stop)
        cls.kafka.start(heap="256m", test=True)
        subprocess.run([BUILD / "bin/make_pictures", cls.machine.path("/srv/pictures"),
                        str(PICTURES)], check=True)

    def setUp(self):
        self.run_in = self.machine.run

    def write(self, inside, text):
        self.machine.path(inside).write_text(text)

    def states(self):
        return {unit: self.machine.unit(unit, "SubState")["SubState"] for unit in UNITS}

    def logs(self):
        return self.run_in("journalctl", "--no-pager", "-n", "60", check=False).stdout

    # -- installation --

    def test_01_apt_installs_it_on_a_bare_system(self):
        shutil.copy(self.package, self.machine.path("/srv/winnow.deb"))
        said = self.machine.install("/srv/winnow.deb")
        self.assertIn("no service runs yet", said)
        # Only to run the units: the package itself asks for no systemd.
        self.machine.install("systemd", "dbus")
        self.machine.start()

    def test_02_starts_nothing_by_itself(self):
        self.assertEqual(set(self.states().values()), {"dead"})
        self.run_in("systemctl", "preset", *UNITS)  # as on the first boot of an image
        for unit in UNITS:
            enabled = self.run_in("systemctl", "is-enabled", unit, check=False)
            self.assertEqual(enabled.stdout.strip(), "disabled", unit)

    def test_03_every_program_has_its_libraries(self):
        for program in ["winnow"] + [f"winnow-{stage}" for stage in STAGES]:
            self.assertNotIn("not found", self.machine.says("ldd", f"/usr/bin/{program}"))
            self.assertRegex(self.machine.says(program, "--version"), r"^\d+\.\d+\.\d+$")

    def test_04_manuals_and_completions_are_where_they_are_looked_for(self):
        for name in ["winnow"] + [f"winnow-{stage}" for stage in STAGES]:
            self.run_in("gzip", "--test", f"/usr/share/man/man1/{name}.1.gz")
        for path in ("bash-completion/completions/winnow", "zsh/vendor-completions/_winnow",
                     "fish/vendor_completions.d/winnow.fish", "doc/winnow/copyright"):
            self.assertTrue(self.machine.path(f"/usr/share/{path}").is_file(), path)

    def test_05_lintian_has_nothing_to_say(self):
        if not shutil.which("lintian"):
            self.skipTest("no lintian: deploy/packages/install package.txt")
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", self.package],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_06_makes_a_dataset_without_any_service(self):
        shutil.copy(HERE / "spec.yaml", self.machine.path("/etc/winnow/spec.yaml"))
        self.run_in("winnow", "run", "/etc/winnow/spec.yaml", "--input", "/srv/pictures",
                    "--output", "/srv/dataset")
        self.assertIn(": ok", self.machine.says("winnow", "verify", "/srv/dataset"))

    # -- units --

    def test_10_systemd_understands_the_units(self):
        paths = [f"/lib/systemd/system/{unit}" for unit in UNITS]
        done = self.run_in("systemd-analyze", "verify", "--man=no", *paths)
        self.assertNotIn("winnow", done.stderr)

    def test_11_the_sandbox_is_tight(self):
        for unit in UNITS:
            with self.subTest(unit):
                self.run_in("systemd-analyze", "security", "--offline=true",
                            f"--threshold={EXPOSURE}", f"/lib/systemd/system/{unit}")

    def test_12_settings_can_be_used_as_they_come(self):
        for stage in STAGES:
            said = self.machine.says(f"winnow-{stage}", "--check", "--config",
                                     f"/etc/winnow/{stage}.yaml")
            self.assertIn("sound", said)

    def test_13_a_wrong_setting_fails_the_start_and_is_not_tried_again(self):
        self.write("/etc/winnow/sink.env", "WINNOW_HTTP__PORT=many\n")
        started = self.run_in("systemctl", "start", "winnow-sink", check=False)
        self.assertNotEqual(started.returncode, 0)
        # With a restart to come it would be in auto-restart.
        state = self.machine.unit("winnow-sink", "SubState", "NRestarts")
        self.assertEqual(state, {"SubState": "failed", "NRestarts": "0"})
        self.assertIn("WINNOW_HTTP__PORT", self.machine.says("systemctl", "status", "winnow-sink",
                                                             check=False))

    def test_14_exit_code_2_waits_for_a_person(self):
        self.environment("sink")  # no topics yet
        self.run_in("systemctl", "start", "winnow-sink")
        wait_until(lambda: self.states()["winnow-sink.service"] == "failed", 60, "exit code 2")
        state = self.machine.unit("winnow-sink", "ExecMainStatus", "NRestarts")
        self.assertEqual(state, {"ExecMainStatus": "2", "NRestarts": "0"})

    def environment(self, stage):
        self.write(f"/etc/winnow/{stage}.env", f"""WINNOW_KAFKA__BROKERS={self.kafka.bootstrap}
WINNOW_HTTP__ADDRESS=127.0.0.1
WINNOW_HTTP__PORT=0
""" + ("" if stage == "sink" else "WINNOW_BLOBS__INLINE_MAX_BYTES=1000\n")
            + ("WINNOW_SINK__SEAL_WHEN_IDLE_SECONDS=2s\n" if stage == "sink" else ""))

    def test_20_the_pipeline_runs_in_its_sandbox(self):
        for stage in STAGES:
            self.environment(stage)
        self.run_in("winnow", "topics", "apply", "/usr/share/winnow/topics.yaml", "--brokers",
                    self.kafka.bootstrap, "--replication", "1")
        self.run_in("systemctl", "start", *UNITS)
        self.run_in("winnow", "ingest", "/etc/winnow/spec.yaml", "--input", "/srv/pictures",
                    "--brokers", self.kafka.bootstrap, "--raw-blobs", RAW, "--inline-max", "1000",
                    user="winnow-raw")
        # What one process has made of them, the services make, too.
        wanted = self.stored("/srv/dataset")
        self.assertGreater(wanted, PICTURES / 2)
        try:
            wait_until(lambda: self.stored(DATASET) == wanted, 90, "all pictures in shards")
        except AssertionError as late:
            self.fail(f"{late}: {self.stored(DATASET)} of {wanted}\n{self.logs()}")
        self.run_in("winnow", "audit", "--brokers", self.kafka.bootstrap, "--dataset", DATASET,
                    "--wait", "60")
        self.assertEqual(set(self.states().values()), {"running"})

    def stored(self, dataset):
        """Images in published shards."""
        names = [name for shard in self.machine.path(dataset).rglob("*.tar")
                 if "staging" not in shard.parts
                 for name in subprocess.run(["tar", "--list", "--file", shard], check=True,
                                            capture_output=True, text=True).stdout.split()]
        return len([name for name in names if name.endswith(".json")])

    def test_21_the_safe_zone_cannot_reach_the_raw_one(self):
        blob = next(path for path in self.machine.path(RAW).rglob("*")
                    if path.is_file() and len(path.name) == 64)
        inside = "/" + str(blob.relative_to(self.machine.root))
        self.run_in("test", "-r", inside, user="winnow-raw")
        pids = {stage: self.machine.unit(f"winnow-{stage}", "MainPID")["MainPID"]
                for stage in STAGES}
        for path in [inside] + [f"/proc/{pids[stage]}/root{inside}"
                                for stage in ("validator", "privacy-blurrer")]:
            done = self.run_in("cat", path, user="winnow", check=False)
            self.assertNotEqual(done.returncode, 0, path)
            self.assertIn("Permission denied", done.stderr)
        for stage in ("deduper", "balancer", "sink"):  # not even root finds it in there
            done = self.run_in("nsenter", "--target", pids[stage], "--mount", "ls", inside,
                               check=False)
            self.assertNotEqual(done.returncode, 0, stage)

    def test_22_services_write_where_they_should_and_nowhere_else(self):
        pid = self.machine.unit("winnow-sink", "MainPID")["MainPID"]
        def writes(path):
            return self.run_in("nsenter", "--target", pid, "--mount", "setpriv", "--reuid=winnow",
                               "--regid=winnow", "--init-groups", "touch", f"{path}/x",
                               check=False).returncode == 0
        self.assertTrue(writes(DATASET))
        self.machine.path(f"{DATASET}/x").unlink()
        for path in ("/etc/winnow", "/usr/bin", "/var/lib/winnow/deduper", "/var/lib", "/root"):
            self.assertFalse(writes(path), path)

        status = self.machine.says("cat", f"/proc/{pid}/status")
        for line in ("NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t0000000000000000"):
            self.assertIn(line, status)

    def test_23_a_killed_service_comes_back(self):
        before = self.machine.unit("winnow-deduper", "MainPID")["MainPID"]
        self.run_in("systemctl", "kill", "--signal=KILL", "winnow-deduper")
        wait_until(lambda: self.machine.unit("winnow-deduper", "MainPID")["MainPID"]
                   not in ("0", before), 30, "a restart")

    # -- upgrade, removal --

    def test_30_an_upgrade_keeps_what_was_changed_and_restarts_what_runs(self):
        self.run_in("systemctl", "stop", "winnow-balancer")
        self.assertEqual(self.machine.unit("winnow-balancer", "Result")["Result"], "success")
        with self.machine.path("/etc/winnow/sink.yaml").open("a") as file:
            file.write("# mine\n")
        before = self.machine.unit("winnow-sink", "MainPID")["MainPID"]
        shutil.copy(newer(self.package, self.place / "newer"), self.machine.path("/srv/newer.deb"))
        self.addCleanup(shutil.rmtree, self.place / "newer")
        self.run_in("dpkg", "--force-confdef", "--force-unsafe-io", "--install", "/srv/newer.deb")
        mine = self.machine.path("/etc/winnow/sink.yaml").read_text()
        self.assertTrue(mine.endswith("# mine\n"))
        theirs = self.machine.path("/etc/winnow/deduper.yaml").read_text()
        self.assertTrue(theirs.endswith("# of version 9\n"))
        credentials = self.machine.path("/etc/winnow/winnow.env").stat()
        self.assertEqual(credentials.st_mode & 0o777, 0o640)
        self.assertNotEqual(credentials.st_gid, 0)
        states = self.states()
        self.assertEqual(states.pop("winnow-balancer.service"), "dead")
        self.assertEqual(set(states.values()), {"running"})
        self.assertNotEqual(self.machine.unit("winnow-sink", "MainPID")["MainPID"], before)

    def test_31_a_removal_stops_everything_and_keeps_what_is_yours(self):
        self.run_in("dpkg", "--remove", "winnow")
        self.assertFalse(self.machine.path("/usr/bin/winnow").exists())
        self.assertEqual(self.machine.says("pgrep", "-f", "/usr/bin/winnow-", check=False), "")
        for path in ("/etc/winnow/sink.yaml", "/var/lib/winnow/deduper"):
            self.assertTrue(self.machine.path(path).exists(), path)
        self.assertEqual(self.stored(DATASET), self.stored("/srv/dataset"))

    def test_32_a_purge_takes_settings_and_state_and_never_the_dataset(self):
        said = self.machine.says("dpkg", "--purge", "winnow")
        for path in (DATASET, RAW, SAFE):
            self.assertIn(f"{path} is left as it is", said)
        for name in ("sink.yaml", "spec.yaml", "winnow.env"):
            self.assertFalse(self.machine.path(f"/etc/winnow/{name}").exists(), name)
        for path in ("deduper", "balancer"):
            self.assertFalse(self.machine.path(f"/var/lib/winnow/{path}").exists(), path)
        self.assertEqual(self.stored(DATASET), self.stored("/srv/dataset"))


if __name__ == "__main__":
    unittest.main(failfast=True)
