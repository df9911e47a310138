"""`cmake --install` into a folder, which is then moved: everything still works from there.

usage: install_test.py BUILD_DIR
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
HERE = pathlib.Path(__file__).resolve().parent
STAGES = ("validator", "privacy-blurrer", "deduper", "balancer", "sink")
NOWHERE = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}  # no WINNOW_MODEL_DIR


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True,
                          text=True, timeout=120, **options).stdout


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="winnow-install-")
        cls.addClassCleanup(scratch.cleanup)
        cls.scratch = pathlib.Path(scratch.name)
        run("cmake", "--install", BUILD, "--prefix", cls.scratch / "first", "--strip")
        cls.prefix = cls.scratch / "moved/here"
        cls.prefix.parent.mkdir()
        shutil.move(cls.scratch / "first", cls.prefix)

    def test_is_laid_out_as_documented(self):
        share = self.prefix / "share"
        wanted = ["winnow/topics.yaml", "winnow/examples/quickstart.yaml",
                  "winnow/models/centerface.onnx", "winnow/prometheus/rules.yml",
                  "winnow/grafana/dashboards/winnow-overview.json", "man/man1/winnow.1",
                  "bash-completion/completions/winnow", "zsh/vendor-completions/_winnow",
                  "fish/vendor_completions.d/winnow.fish", "doc/winnow/README.md"]
        wanted += [f"winnow/services/{stage}.yaml" for stage in STAGES]
        wanted += [f"man/man1/winnow-{stage}.1" for stage in STAGES]
        for path in wanted:
            with self.subTest(path):
                self.assertGreater((share / path).stat().st_size, 0)

    def test_puts_nothing_outside_the_prefix(self):
        self.assertEqual(sorted(path.name for path in self.prefix.iterdir()), ["bin", "share"])
        self.assertFalse(any(path.is_symlink() for path in self.prefix.rglob("*")))

    def test_names_no_place_of_the_machine_it_was_built_on(self):
        source = str(HERE.parents[1]).encode()
        for path in self.prefix.rglob("*"):
            if path.is_file():
                with self.subTest(path):
                    self.assertFalse(source in path.read_bytes())

    def test_programs_are_stripped(self):
        self.assertLess((self.prefix / "bin/winnow").stat().st_size, 10_000_000)

    def test_makes_a_dataset_with_the_models_it_brought(self):
        pictures, dataset = self.scratch / "pictures", self.scratch / "dataset"
        run(BUILD / "bin/make_pictures", pictures, 8)
        winnow = self.prefix / "bin/winnow"
        run(winnow, "run", HERE / "spec.yaml", "--input", pictures, "--output", dataset, env=NOWHERE)
        self.assertIn(": ok", run(winnow, "verify", dataset, env=NOWHERE))

    def test_services_find_their_models(self):
        config = self.scratch / "blurrer.yaml"
        config.write_text(f"spec: {HERE}/spec.yaml\ninstance: x\nkafka:\n  brokers: nowhere:1\n")

        said = run(self.prefix / "bin/winnow-privacy-blurrer", "--check", "--config", config,
                   env=NOWHERE)
        self.assertIn("models are sound", said)


if __name__ == "__main__":
    unittest.main()
