"""The container images, really built and really run: what is in each, and the pipeline out of them.

usage: image_test.py MAKE_PICTURES

Needs root, buildah and debootstrap; exits with 77 (skipped) without, and the run without an
installed broker. What it builds stays in build/image.
"""
import contextlib
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
import container  # noqa: E402
import contents  # noqa: E402
import engine  # noqa: E402
sys.path[:0] = [str(engine.REPOSITORY / "deploy/kafka"), str(engine.REPOSITORY / "deploy/local")]
import broker  # noqa: E402
import pipeline  # noqa: E402

MAKE_PICTURES = pathlib.Path(sys.argv.pop(1)).resolve()
HERE = pathlib.Path(__file__).resolve().parent
SPEC = HERE / "image_test.yaml"
PICTURES = 24
NOT_LINKED = {"base-files", "ca-certificates"}  # files that no library is
DETECTORS_AND_DECODERS = re.compile("opencv|jpeg|png|webp|tiff|tbb|blas|x11|xcb")
MAY_WRITE = {"/proc", "/var/lib/winnow", "/var/lib/winnow/blobs/raw", "/var/lib/winnow/blobs/safe",
             "/var/lib/winnow/dataset"}


IMAGES = {}  # name -> Image, mounted, for tests that only look


def setUpModule():
    engine.require_means()
    began = time.monotonic()
    said = engine.build()
    print(*re.findall(r"^\s*(?:Hits|Misses): .*", said, re.MULTILINE), sep="\n")
    print(*re.findall(r"^\S+:tested +.*", said, re.MULTILINE), sep="\n")
    print(f"built in {time.monotonic() - began:.0f} s", flush=True)
    for name in engine.IMAGES:
        IMAGES[name] = unittest.enterModuleContext(engine.Image(name))


def of_every_image(check):
    """A test that is made for each image in turn."""
    @functools.wraps(check)
    def test(self):
        for name, image in IMAGES.items():
            with self.subTest(image=name):
                check(self, image)
    return test


class ContentsTest(unittest.TestCase):
    @of_every_image
    def test_holds_exactly_the_packages_its_program_links(self, image):
        packages = contents.Packages(image.root)
        libraries = contents.linked_libraries(image.root, image.command[0])
        missing = [library for library in libraries if library not in packages.owner]
        self.assertEqual(missing, [], "not found, or of no package")
        owners = {packages.owner[library] for library in libraries}
        self.assertEqual(owners | NOT_LINKED, set(packages.versions))

    @of_every_image
    def test_looks_at_pictures_only_where_it_must(self, image):
        if image.name in ("deduper", "balancer", "sink"):
            found = filter(DETECTORS_AND_DECODERS.search, contents.Packages(image.root).versions)
            self.assertEqual(list(found), [])
            self.assertFalse((image.root / "usr/share/winnow/models").exists())

    @of_every_image
    def test_files_are_as_debian_made_them(self, image):
        packages = contents.Packages(image.root)
        self.assertGreater(len(packages.md5), 300)
        self.assertEqual(contents.changed_files(image.root, packages), [])

    @of_every_image
    def test_has_nothing_to_attack_with(self, image):
        files = contents.files_of(image.root)
        programs = {path.name for path in files if path.parent.name in ("bin", "sbin")}
        self.assertEqual(programs - {"update-ca-certificates"}, {image.program})
        odd = [path for path in image.root.rglob("*")
               if not path.is_symlink() and path.stat().st_mode & 0o6000]
        self.assertEqual(odd, [], "setuid or setgid")

    @of_every_image
    def test_user_owns_only_where_it_writes(self, image):
        own = {str(path.relative_to(image.root)) for path in image.root.rglob("*")
               if not path.is_symlink() and (path.stat().st_uid or path.stat().st_mode & 0o002)}
        self.assertEqual({path for path in own if not path.startswith("var/lib/winnow")},
                         {"tmp", "var/tmp"})
        self.assertIn("var/lib/winnow/dataset", own)

    @of_every_image
    def test_program_is_stripped(self, image):
        self.assertFalse(contents.has_sections(f"{image.root}{image.command[0]}", ".debug_info"))

    @of_every_image
    def test_says_how_it_runs(self, image):
        self.assertEqual(image.config["User"], "10001:10001")
        self.assertEqual(image.config["StopSignal"], "SIGTERM")
        self.assertEqual(image.config["Entrypoint"], [f"/usr/bin/{image.program}"])
        labels = image.config["Labels"]
        self.assertEqual(labels["org.opencontainers.image.version"], "tested")
        self.assertEqual(labels["org.opencontainers.image.revision"], "tested")
        self.assertEqual(labels["org.opencontainers.image.licenses"], "Apache-2.0")

    @of_every_image
    def test_serves_the_port_it_declares(self, image):
        if image.name == "winnow":
            return
        settings = (image.root / f"etc/winnow/{image.name}.yaml").read_text()
        port = re.search(r"^  port: (\d+)", settings, re.MULTILINE)[1]
        self.assertEqual(list(image.config["ExposedPorts"]), [f"{port}/tcp"])


class SbomTest(unittest.TestCase):
    @of_every_image
    def test_is_valid_spdx(self, image):
        python = os.environ.get("WINNOW_PYTHON", sys.executable)
        done = subprocess.run([python, HERE / "validate_spdx.py", self.place(image)],
                              capture_output=True, text=True, check=False)
        if done.returncode == 77:
            self.skipTest(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    @of_every_image
    def test_lists_exactly_what_is_there(self, image):
        listed = {entry["name"]: entry for entry in self.packages(image, "deb")}
        installed = contents.Packages(image.root).versions
        self.assertEqual({name: entry["versionInfo"] for name, entry in listed.items()}, installed)
        files = {str(path.relative_to(image.root)) for folder in ("usr/bin", "usr/share/winnow/models")
                 for path in (image.root / folder).glob("*")}
        ours = self.packages(image, "program") + self.packages(image, "model")
        self.assertEqual({entry["packageFileName"].lstrip("/") for entry in ours}, files)
        for entry in ours:
            content = pathlib.Path(f"{image.root}{entry['packageFileName']}").read_bytes()
            self.assertEqual(entry["checksums"][0]["checksumValue"],
                             hashlib.sha256(content).hexdigest())

    def packages(self, image, kind):
        document = json.loads(self.place(image).read_text())
        return [entry for entry in document["packages"]
                if entry["SPDXID"].startswith(f"SPDXRef-{kind}-")]

    def place(self, image):
        return image.root / "usr/share/doc/winnow/sbom.spdx.json"


def zone_volumes(name, shared):
    """What deploy/compose.yaml mounts, for a service or for `winnow`, which feeds and audits."""
    raw = container.Volume(shared / "blobs/raw", "/var/lib/winnow/blobs/raw", "rw")
    safe = container.Volume(shared / "blobs/safe", "/var/lib/winnow/blobs/safe", "rw")
    dataset = container.Volume(shared / "dataset", "/var/lib/winnow/dataset", "rw")
    return {"validator": [raw], "privacy-blurrer": [raw, safe], "sink": [safe, dataset],
            "winnow": [raw, dataset, container.Volume(shared / "input", "/input")]}.get(name, [safe])


class RunTest(unittest.TestCase):
    """The whole pipeline out of its images, on a real broker."""

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        scratch = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="winnow-image-"))
        self.scratch = pathlib.Path(scratch)
        self.processes = {}

    def container(self, name, *volumes, **settings):
        """With a volume of its own at /var/lib/winnow."""
        image = self.stack.enter_context(engine.Image(name))
        own = self.scratch / "own" / name
        for place in ("blobs/raw", "blobs/safe", "dataset"):
            (own / place).mkdir(parents=True)
        subprocess.run(["chown", "--recursive", "10001:10001", own], check=True)
        mounted = [container.Volume(SPEC, "/etc/winnow/spec.yaml"),
                   container.Volume(own, "/var/lib/winnow", "rw"), *volumes]
        environment = pipeline.environment(
            {key.replace("__", "."): value for key, value in settings.items()})
        return container.Container(image, mounted, environment)

    def make_shared(self):
        shared = self.scratch / "shared"
        for place in ("blobs/raw", "blobs/safe", "dataset"):
            (shared / place).mkdir(parents=True)
        subprocess.run([MAKE_PICTURES, shared / "input", str(PICTURES)], check=True)
        subprocess.run(["chown", "--recursive", "10001:10001", shared], check=True)
        self.scratch.chmod(0o755)
        return shared

    def start_broker(self):
        if not (broker.INSTALLED / "lib").is_dir() or not shutil.which("java"):
            self.skipTest("no broker here: deploy/kafka/install")
        started = broker.Broker(self.scratch / "broker")
        self.stack.callback(started.stop)
        return started.start(test=True)

    def start(self, name, service):
        process = service.start(service.image.command, self.scratch / f"{name}.log")
        self.stack.callback(self.end, process)
        self.processes[name] = process
        return process

    def end(self, process):
        if process.poll() is None:
            process.kill()
            process.wait()

    def log_of(self, name):
        return (self.scratch / f"{name}.log").read_text()

    def await_health(self, name, service, wanted):
        said = []

        def arrived():
            healthy, words = service.is_healthy()
            said[:] = [words]
            return healthy == wanted or (wanted and self.processes[name].poll() is not None)
        self.assertTrue(broker.wait_until(arrived, 60), said)
        self.assertIsNone(self.processes[name].poll() if wanted else None, self.log_of(name))

    def assert_confined(self, name):
        process = self.processes[name]
        status = container.status_of(process)
        self.assertEqual(status["Uid"], ["10001"] * 4)
        self.assertEqual(status["Gid"], ["10001"] * 4)
        self.assertEqual(int(status["CapEff"][0], 16), 0)
        self.assertEqual(status["NoNewPrivs"], ["1"])
        self.assertLessEqual(container.writable_mounts(process), MAY_WRITE)

    def winnow(self, command, *arguments):
        done = self.cli.run(*arguments)
        self.assertEqual(done.returncode, 0, f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def test_pipeline_of_images_makes_a_dataset(self):
        shared, brokers = self.make_shared(), self.start_broker()
        self.cli = self.container("winnow", *zone_volumes("winnow", shared), kafka__brokers=brokers)
        self.winnow("topics", "topics", "apply", "/usr/share/winnow/topics.yaml", "--brokers",
                    brokers, "--replication", 1)
        services = {name: self.container(name, *zone_volumes(name, shared), kafka__brokers=brokers,
                                         **({"sink__seal_when_idle_seconds": 2}
                                            if name == "sink" else {}))
                    for name in engine.STAGES}
        for name, service in services.items():
            service.environment["WINNOW_HTTP__PORT"] = str(broker.free_port())
            self.assertFalse(service.is_healthy()[0], f"{name} is healthy before it runs")
            self.start(name, service)
        for name, service in services.items():
            self.await_health(name, service, True)
            self.assert_confined(name)
        self.feed_and_audit(brokers, shared)
        for name, service in services.items():
            self.assertEqual(container.stop(self.processes[name], 40), 0, self.log_of(name))
            self.assertFalse(service.is_healthy()[0], f"{name} is healthy when it has ended")

    def feed_and_audit(self, brokers, shared):
        began = time.monotonic()
        self.winnow("ingest", "ingest", "/etc/winnow/spec.yaml", "--input", "/input", "--brokers",
                    brokers, "--state", "/var/lib/winnow/ingest", "--raw-blobs",
                    "/var/lib/winnow/blobs/raw")

        def stored():
            return list((shared / "dataset").rglob("*.tar"))
        self.assertTrue(broker.wait_until(stored, 90), "no shard: " + self.log_of("sink"))
        self.winnow("audit", "audit", "--brokers", brokers, "--dataset", "/var/lib/winnow/dataset",
                    "--wait", 60, "--json", "/var/lib/winnow/audit.json")
        audit = json.loads((self.scratch / "own/winnow/audit.json").read_text())
        self.assertTrue(audit["sound"], audit)
        self.assertEqual(audit["figures"]["arrivals"], PICTURES)
        self.winnow("verify", "verify", "/var/lib/winnow/dataset")
        print(f"{PICTURES} pictures through six images in {time.monotonic() - began:.0f} s: "
              f"{audit['figures']['stored']} stored, {audit['figures']['rejected']} rejected")

    def test_blurrer_without_a_model_says_what_to_do(self):
        nothing = self.scratch / "nothing"
        nothing.mkdir()
        self.scratch.chmod(0o755)
        blurrer = self.container("privacy-blurrer",
                                 container.Volume(nothing, "/usr/share/winnow/models"),
                                 kafka__brokers="127.0.0.1:9")
        done = blurrer.run(*blurrer.image.config["Cmd"])
        self.assertEqual(done.returncode, 2, done.stderr)
        last = done.stderr.strip().splitlines()[-1]
        self.assertIn("centerface", last)
        self.assertIn("deploy/models/install", last)

    def test_image_runs_with_the_user_s_arguments(self):
        deduper = self.container("deduper")
        done = deduper.run("--describe-config")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("state:", done.stdout)

    def test_root_cannot_be_written(self):
        self.scratch.chmod(0o755)
        subprocess.run([MAKE_PICTURES, self.scratch / "input", "1"], check=True)
        cli = self.container("winnow", container.Volume(self.scratch / "input", "/input"))
        done = cli.run("run", "/etc/winnow/spec.yaml", "--input", "/input", "--output",
                       "/tmp/dataset")  # which everybody may write, if anything could be written
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("cannot write to", done.stderr)
        own = cli.run("run", "/etc/winnow/spec.yaml", "--input", "/input", "--output",
                      "/var/lib/winnow/dataset/local")
        self.assertEqual(own.returncode, 0, own.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
