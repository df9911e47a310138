"""What the winnow command does when things around it are wrong: one line that says the fix, the
documented exit code, nothing half-written, and a run that goes on once the trouble is mended.

usage: bad_conditions.py WINNOW MAKE_PICTURES SPEC
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from kill_resume import tree_digests

WINNOW, MAKE_PICTURES, SPEC = (os.path.abspath(argument) for argument in sys.argv[1:4])

FACES_SPEC = "winnow: 1\ncollection: kill-resume\n"


class BadConditionsTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.pictures = self.scratch / "pictures"
        self.output = self.scratch / "dataset"
        subprocess.run([MAKE_PICTURES, str(self.pictures), "60"], check=True)

    def winnow(self, *arguments, **options):
        return subprocess.run([WINNOW, *map(str, arguments)], capture_output=True, text=True,
                              timeout=120, **options)

    def run_command(self, *more, spec=SPEC, input_folder=None, output=None):
        return self.winnow("run", spec, "--input", input_folder or self.pictures,
                           "--output", output or self.output, *more)

    def assert_refused(self, result, *words):
        self.assertEqual(result.returncode, 2, result.stderr)
        lines = result.stderr.strip().splitlines()
        self.assertEqual(len(lines), 1, result.stderr)
        for word in words:
            self.assertIn(str(word), lines[0])

    def write_spec(self, text):
        path = self.scratch / "spec.yaml"
        path.write_text(text)
        return path

    def test_missing_input_folder(self):
        self.assert_refused(self.run_command(input_folder=self.scratch / "nowhere"), "nowhere")
        self.assertFalse(self.output.exists())

    def test_missing_spec(self):
        self.assert_refused(self.run_command(spec=self.scratch / "nospec.yaml"), "nospec.yaml")
        self.assertFalse(self.output.exists())

    def test_bad_spec_names_line_value_and_remedy(self):
        spec = self.write_spec("winnow: 1\ncollection: x\nvalidate:\n  min_sides: 100\n")
        self.assert_refused(self.run_command(spec=spec), "spec.yaml:4:", "min_sides", "min_side")
        self.assertFalse(self.output.exists())

    def test_missing_model(self):
        models = self.scratch / "models"
        models.mkdir()
        result = self.run_command("--models", models, spec=self.write_spec(FACES_SPEC))
        self.assert_refused(result, "deploy/models/install")
        self.assertFalse(self.output.exists())

    def test_wrong_model_checksum(self):
        models = self.scratch / "models"
        models.mkdir()
        (models / "centerface.onnx").write_bytes(b"not the model")
        result = self.run_command("--models", models, spec=self.write_spec(FACES_SPEC))
        self.assert_refused(result, "SHA-256")
        self.assertFalse(self.output.exists())

    def test_output_is_a_file(self):
        self.output.write_text("")
        self.assert_refused(self.run_command(), "is a file")

    def test_output_holds_other_files(self):
        self.output.mkdir()
        (self.output / "thesis.doc").write_text("")
        self.assert_refused(self.run_command(), self.output)
        self.assertEqual([path.name for path in self.output.iterdir()], ["thesis.doc"])

    def test_unwritable_output(self):
        blocked = pathlib.Path("/proc/winnow-test")
        self.assert_refused(self.run_command(output=blocked), "/proc")

    def test_output_of_another_spec(self):
        self.assertEqual(self.run_command().returncode, 0)
        before = tree_digests(self.output)
        changed = self.write_spec(pathlib.Path(SPEC).read_text() + "validate:\n  min_side: 100\n")
        self.assert_refused(self.run_command(spec=changed), "another version of this spec")
        other = self.write_spec(pathlib.Path(SPEC).read_text().replace("kill-resume", "other"))
        self.assert_refused(self.run_command(spec=other), "belongs to collection 'kill-resume'")
        self.assertEqual(tree_digests(self.output), before)

    def test_state_of_another_output(self):
        state = self.scratch / "state"
        self.assertEqual(self.run_command("--state", state).returncode, 0)
        self.assert_refused(self.run_command("--state", state, output=self.scratch / "second"),
                            state)
        self.assert_refused(self.run_command("--state", self.scratch / "fresh"), "no state")

    def test_second_run_does_nothing(self):
        self.assertEqual(self.run_command().returncode, 0)
        before = tree_digests(self.output)
        summary = self.scratch / "summary.json"
        self.assertEqual(self.run_command("--summary", summary).returncode, 0)
        self.assertEqual(json.loads(summary.read_text())["processed"], 0)
        self.assertEqual(json.loads(summary.read_text())["received"], 60)
        self.assertEqual(tree_digests(self.output), before)

    def test_new_pictures_are_added(self):
        self.assertEqual(self.run_command().returncode, 0)
        before = {name: digest for name, digest in tree_digests(self.output).items()
                  if name.startswith("shards/")}
        subprocess.run([MAKE_PICTURES, str(self.pictures), "90"], check=True)
        result = self.run_command()
        self.assertEqual(result.returncode, 0, result.stderr)
        after = tree_digests(self.output)
        self.assertLessEqual(before.items(), after.items(), "sealed shards never change")
        self.assertGreater(len(after), len(before))
        self.assertEqual(self.winnow("verify", self.output).returncode, 0)

    def test_interrupt_says_how_to_resume(self):
        subprocess.run([MAKE_PICTURES, str(self.pictures), "400", "640", "480"], check=True)
        calm = self.scratch / "calm"
        self.assertEqual(self.run_command(output=calm).returncode, 0)
        process = subprocess.Popen(
            [WINNOW, "run", SPEC, "--input", self.pictures, "--output", self.output],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while not (self.output / ".winnow" / "state" / "db" / "CURRENT").exists():
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, errors)
        self.assertIn("run the same command again", errors)
        self.assertEqual(self.run_command().returncode, 0)
        self.assertEqual(tree_digests(self.output), tree_digests(calm))

    def test_damaged_shard_is_found(self):
        self.assertEqual(self.run_command().returncode, 0)
        self.assertEqual(self.winnow("verify", self.output).returncode, 0)
        shard = sorted((self.output / "shards").iterdir())[0]
        damaged = bytearray(shard.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        shard.write_bytes(damaged)
        result = self.winnow("verify", self.output)
        self.assertEqual(result.returncode, 3)
        self.assertIn(shard.name, result.stderr)

    def test_explain(self):
        self.assertEqual(self.run_command().returncode, 0)
        state = self.output / ".winnow" / "state"
        rejected = json.loads((self.output / "rejected.jsonl").read_text().splitlines()[0])
        by_id = self.winnow("explain", rejected["id"], "--state", state)
        self.assertEqual(by_id.returncode, 0, by_id.stderr)
        self.assertIn(rejected["reason"], by_id.stdout)
        by_path = self.winnow("explain", rejected["source"]["path"], "--state", state)
        self.assertEqual(by_path.stdout, by_id.stdout)
        self.assertEqual(self.winnow("explain", "nobody", "--state", state).returncode, 2)

    def test_forgotten_image_no_longer_makes_duplicates(self):
        self.assertEqual(self.run_command().returncode, 0)
        state = self.output / ".winnow" / "state"
        pictures = sorted(path for path in self.pictures.rglob("*") if path.is_file())
        stored = next(path for path in pictures if "stored" in self.winnow(
            "explain", path.relative_to(self.pictures), "--state", state).stdout)
        name = stored.relative_to(self.pictures)
        at = ["--spec", SPEC, "--state", state]
        self.assertEqual(self.winnow("forget", name).returncode, 2)
        self.assertEqual(self.winnow("forget", "nobody", *at).returncode, 2)
        self.assertEqual(self.winnow("forget", name, "--spec", SPEC, "--state",
                                     self.output).returncode, 2)
        forgotten = self.winnow("forget", name, *at)
        self.assertEqual(forgotten.returncode, 0, forgotten.stderr)
        self.assertIn("copies that arrive from now on are new", forgotten.stdout)
        again = self.winnow("forget", name, *at)
        self.assertIn("no image is compared with it", again.stdout)
        copy = stored.with_name("copy-" + stored.name)
        copy.write_bytes(stored.read_bytes())
        self.addCleanup(copy.unlink)
        self.assertEqual(self.run_command().returncode, 0)
        story = self.winnow("explain", copy.relative_to(self.pictures), "--state", state).stdout
        self.assertNotIn("duplicate", story)
        self.assertIn("deduper          forwarded", story)

    def test_full_disk_loses_nothing(self):
        small = self.scratch / "small"
        small.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(small)],
                                 capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("needs the right to mount a small file system")
        self.addCleanup(subprocess.run, ["umount", str(small)], check=True)
        state = self.scratch / "state"  # where there is room
        calm = self.scratch / "calm"
        self.assertEqual(self.run_command(output=calm).returncode, 0)
        full = self.run_command("--state", state, output=small / "dataset")
        self.assertEqual(full.returncode, 1, full.stderr)
        self.assertIn("run the same command again", full.stderr)
        subprocess.run(["mount", "-o", "remount,size=50m", str(small)], check=True)
        self.assertEqual(self.run_command("--state", state, output=small / "dataset").returncode, 0)
        self.assertEqual(tree_digests(small / "dataset"), tree_digests(calm))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
