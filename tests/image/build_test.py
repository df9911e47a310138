"""deploy/image/build with engines that only write down what they are told."""
import pathlib
import subprocess
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
STUB = """#!/bin/bash
echo "$(basename "$0") $*" >>"{log}"
[[ $1 != info ]] || exit {info}
[[ $1 != image ]] || echo 70100000
[[ $1 != images ]] || echo '"size": "70.1 MB"'
"""


class BuildTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.log = self.scratch / "log"
        self.log.write_text("")

    def engine(self, name, info=0):
        stub = self.scratch / name
        stub.write_text(STUB.format(log=self.log, info=info))
        stub.chmod(0o755)

    def build(self, *arguments, status=0, **environment):
        environment = {"PATH": f"{self.scratch}:/usr/bin:/bin", "REVISION": "r1", **environment}
        done = subprocess.run([REPOSITORY / "deploy/image/build", *arguments], env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def builds(self):
        return [line for line in self.log.read_text().splitlines() if " build " in line]

    def test_names_targets_and_tags(self):
        self.engine("docker")
        said = self.build("--registry", "r.example.org/v/", "--version", "1.2", "sink", "winnow")
        sink, winnow = self.builds()
        self.assertIn("--target sink --tag r.example.org/v/winnow-sink:1.2 ", sink)
        self.assertIn("--target winnow --tag r.example.org/v/winnow:1.2 ", winnow)
        self.assertIn("--build-arg VERSION=1.2 --build-arg REVISION=r1", sink)
        self.assertRegex(said, r"r.example.org/v/winnow-sink:1.2 +70 MB")

    def test_builds_all_in_the_version_of_the_sources(self):
        self.engine("docker")
        self.build()
        self.assertEqual(len(self.builds()), 6)
        self.assertRegex(self.builds()[0], r"--tag winnow-validator:[0-9]+\.[0-9]+\.[0-9]+ ")

    def test_takes_the_first_engine_that_works(self):
        self.engine("docker", info=1)
        self.engine("podman")
        self.build("sink")
        self.assertTrue(self.builds()[0].startswith("podman build "))
        self.assertIn("--format docker", self.builds()[0])  # the other has no health check
        self.assertIn("--ignorefile", self.builds()[0])

    def test_sets_the_time_only_when_asked(self):
        self.engine("podman")
        self.build("--engine", "podman", "sink")
        self.build("--engine", "podman", "sink", SOURCE_DATE_EPOCH="1700000000")
        without, with_time = self.builds()
        self.assertNotIn("--timestamp", without)
        self.assertIn("--timestamp 1700000000", with_time)

    def test_hands_options_on(self):
        self.engine("docker")
        self.build("sink", "--base", "mine:12", "--", "--build-arg", "PIP_INDEX_URL=x")
        self.assertIn("--build-arg BASE=mine:12", self.builds()[0])
        self.assertIn("--build-arg PIP_INDEX_URL=x", self.builds()[0])

    def test_refuses_what_it_does_not_know(self):
        self.engine("docker")
        self.assertIn("there is validator", self.build("sinc", status=1))
        self.build("--tag", "x", status=2)
        self.assertIn("docker, podman or buildah", self.build("--engine", "kaniko", status=1))
        self.assertEqual(self.builds(), [])

    def test_says_so_without_an_engine(self):
        self.engine("docker", info=1)
        self.assertIn("install one", self.build("--engine", "docker", status=1))


if __name__ == "__main__":
    unittest.main()
