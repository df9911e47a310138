"""The commands in deploy/runbook.md exist, with these options and values, in what was built.

usage: runbook_commands.py BIN_DIR. Exits with 77 (skipped) without PyYAML.
"""
import pathlib
import re
import shlex
import subprocess
import sys
import unittest

try:
    import yaml
except ImportError:
    print("PyYAML is not installed: deploy/packages/install test.txt")
    sys.exit(77)

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BINARIES = pathlib.Path(sys.argv.pop(1)).resolve()
TEXT = (REPOSITORY / "deploy/runbook.md").read_text()
VALUES = yaml.safe_load((REPOSITORY / "helm/winnow/values.yaml").read_text())


def commands(*beginnings):
    """What stands in backticks, or in a line of its own that is indented by four, as words."""
    prose = re.sub(r"^```.*?^```", "", TEXT, flags=re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`]+)`", prose) + re.findall(r"^ {4}(\S.*)$", prose, re.MULTILINE)
    found = [shlex.split(" ".join(span.split())) for span in spans
             if span.split()[0] in beginnings and "'" not in span.replace("'*'", "")]
    return [words for words in found if len(words) > 1]


def help_of(program, words):
    """Help of the innermost command that `words` name."""
    command, text = [str(program)], ask([str(program)])
    for word in words:
        listed = re.search(r"(Subcommands|positional arguments):\n(.*)", text, re.DOTALL)
        if not listed or not re.search(rf"^ +{re.escape(word)}\b", listed.group(2), re.MULTILINE):
            break
        command.append(word)
        text = ask(command)
    return command[1:], text


def ask(command):
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=60)
    return done.stdout + done.stderr


def set_keys(words):
    """Keys of `--set KEY=VALUE`."""
    return [words[at + 1].partition("=")[0] for at, word in enumerate(words)
            if word == "--set" and "=" in words[at + 1]]


class CommandsTest(unittest.TestCase):
    def check(self, program, words):
        path, text = help_of(program, words[1:])
        with self.subTest(" ".join(words)):
            first = words[1]
            self.assertTrue(path or first.startswith("--"), f"no command {first}")
            for option in [word for word in words if word.startswith("--")]:
                self.assertRegex(text, rf"(?m)(^|[\s,]){re.escape(option)}\b")

    def test_winnow_has_them(self):
        found = commands("winnow")
        self.assertTrue(found)
        for words in found:
            self.check(BINARIES / "winnow", words)

    def test_services_have_them(self):
        found = commands("winnow-deduper", "winnow-privacy-blurrer")
        self.assertTrue(found)
        for words in found:
            self.check(BINARIES / words[0], words)

    def test_stack_has_them(self):
        found = commands("deploy/stack")
        self.assertTrue(found)
        for words in found:
            self.check(REPOSITORY / "deploy/stack", words)

    def test_the_chart_has_the_values(self):
        keys = [key for words in commands("helm") for key in set_keys(words)]
        self.assertTrue(keys)
        for key in keys:
            with self.subTest(key):
                place = VALUES
                for step in key.split("."):
                    self.assertIn(step, place)
                    place = place[step]

    def test_files_are_there(self):
        for path in re.findall(r"\b((?:deploy|helm|services|libs)/[\w./-]*\w)", TEXT):
            with self.subTest(path):
                self.assertTrue((REPOSITORY / path).exists())


if __name__ == "__main__":
    unittest.main()
