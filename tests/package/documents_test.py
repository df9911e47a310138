"""Manual pages and completions say what the command line does, and shells and man can read them.

usage: documents_test.py BIN_DIR. Shells and mandoc that are not installed are skipped.
"""
import functools
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
WINNOW = str(PROGRAMS / "winnow")
STAGES = ("validator", "privacy-blurrer", "deduper", "balancer", "sink")
OPTION = re.compile(r"^ {2,4}(-[-\w]+)(?:,(--[-\w]+))?", re.MULTILINE)
COMMAND = re.compile(r"^  ([a-z]+)  ", re.MULTILINE)


def output(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60,
                          **options).stdout


def needs(tool):
    return unittest.skipUnless(shutil.which(tool), f"no {tool}: deploy/packages/package.txt")


@functools.lru_cache(maxsize=None)
def help_text(path):
    return output(WINNOW, *path, "--help")


def subcommands(path):
    text = help_text(path).partition("Subcommands:\n")[2]
    return COMMAND.findall(text.partition("\n\n")[0])


def all_commands(path=()):
    """[("topics", "apply"), ...], as the help texts name them: not from where man pages come from."""
    yield path
    for name in subcommands(path):
        yield from all_commands(path + (name,))


def options_of(path):
    found = OPTION.findall(help_text(path))
    return {name for names in found for name in names if name}


def setting_names(yaml_text):
    """kafka.brokers ... of two levels of YAML."""
    above = ""
    for indent, name, value in re.findall(r"(?m)^( *)(\w+):(.*)$", yaml_text):
        if not indent:
            above = name + "."
        if indent:
            yield above + name
        elif value.strip():
            yield name


def plain(page):
    return page.replace("\\-", "-").replace("\\fB", "").replace("\\fI", "").replace("\\fR", "")


class Terminal:
    """A shell a person types into."""

    def __init__(self, *command, directory):
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execvpe(command[0], command, {"PATH": os.environ["PATH"], "TERM": "dumb",
                                             "HOME": directory, "PS1": "> ", "LC_ALL": "C.UTF-8"})
        self.seen = ""

    def type(self, text):
        os.write(self.file, text.encode())

    def wait_for(self, text, seconds=20):
        """What was shown up to `text`; fails if it does not come."""
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            if not select.select([self.file], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"no {text!r} in {self.seen!r}")
            self.seen += os.read(self.file, 4096).decode(errors="replace")
        before, _, self.seen = self.seen.partition(text)
        return before

    def close(self):
        os.close(self.file)
        os.waitpid(self.pid, 0)


class ManualTest(unittest.TestCase):
    def test_names_every_command_and_option(self):
        page = plain(output(WINNOW, "man"))
        commands = [path for path in all_commands() if path]
        self.assertGreater(len(commands), 15)
        for path in commands:
            name = " ".join(("winnow",) + path)
            section = re.search(rf"^\.SS {name}\n(.*?)(?=^\.S[SH] )", page, re.DOTALL | re.MULTILINE)
            self.assertTrue(section, name)
            for option in options_of(path):
                with self.subTest(command=name, option=option):
                    self.assertRegex(section[1], rf"(?m)^(-\w, )?{option}\b")

    def test_tells_exit_codes_and_environment(self):
        page = plain(output(WINNOW, "man"))
        self.assertIn('.SH "EXIT STATUS"\n0 done', page)
        self.assertIn(".SH ENVIRONMENT\n.TP\nWINNOW_KAFKA__BROKERS", page)

    def test_of_a_service_names_every_setting(self):
        for stage in STAGES:
            program = str(PROGRAMS / f"winnow-{stage}")
            settings = list(setting_names(output(program, "--describe-config")))
            self.assertIn("kafka.brokers", settings)
            page = plain(output(program, "--man"))
            for name in settings:
                with self.subTest(stage=stage, setting=name):
                    self.assertIn(f".TP\n{name}\n", page)
                    self.assertIn(f"$WINNOW_{name.upper().replace('.', '__')}.", page)

    @needs("mandoc")
    def test_is_sound_roff(self):
        pages = [output(WINNOW, "man")]
        pages += [output(str(PROGRAMS / f"winnow-{stage}"), "--man") for stage in STAGES]
        for page in pages:
            done = subprocess.run(["mandoc", "-Tlint", "-Wwarning"], input=page, text=True,
                                  capture_output=True, check=False)
            # Without a date on purpose: equal programs give equal pages.
            complaints = [line for line in done.stdout.splitlines() if "missing date" not in line]
            self.assertEqual(complaints, [])


class CompletionTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="winnow-completion-")
        self.addCleanup(self.scratch.cleanup)
        self.place = pathlib.Path(self.scratch.name)
        (self.place / "pictures").mkdir()
        (self.place / "street.yaml").write_text("")
        (self.place / "bin").mkdir()
        (self.place / "bin/winnow").symlink_to(WINNOW)

    def script(self, shell):
        path = self.place / f"completion.{shell}"
        path.write_text(output(WINNOW, "completion", shell))
        return path

    def bash(self, *words):
        """What bash offers for the last of the words."""
        ask = ('source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _winnow; '
               'printf "%s\\n" "${COMPREPLY[@]}"')
        text = output("bash", "--norc", "-c", ask, str(self.script("bash")), "winnow", *words,
                      cwd=self.place)
        return [line for line in text.splitlines() if line]

    def test_bash_knows_commands(self):
        self.assertEqual(set(self.bash("")), set(subcommands(())))
        self.assertEqual(self.bash("to"), ["topics"])
        self.assertEqual(set(self.bash("topics", "")), set(subcommands(("topics",))))
        self.assertEqual(set(self.bash("completion", "")), {"bash", "fish", "zsh"})

    def test_bash_knows_every_option(self):
        for path in all_commands():
            with self.subTest(path):
                self.assertEqual(set(self.bash(*path, "-")), options_of(path))

    def test_bash_offers_what_fits(self):
        self.assertEqual(self.bash("run", "st"), ["street.yaml"])
        self.assertEqual(self.bash("run", "street.yaml", "--input", "p"), ["pictures"])
        self.assertEqual(self.bash("run", "--input", "=", "p"), ["pictures"])
        self.assertEqual(self.bash("run", "--input", "s"), [])
        self.assertEqual(self.bash("run", "--summary", "s"), ["street.yaml"])
        self.assertEqual(self.bash("run", "--threads", ""), [])

    def test_bash_completes_what_a_person_types(self):
        terminal = Terminal("bash", "--norc", "--noprofile", "-i", directory=self.place)
        self.addCleanup(terminal.close)
        terminal.type(f"PATH={self.place}/bin:$PATH; source {self.script('bash')}; echo rea''dy\n")
        terminal.wait_for("ready")
        terminal.type("winnow top\tche\t--he\t\n")
        terminal.wait_for("winnow topics check --help")
        terminal.wait_for("Name every difference, change nothing")

    @needs("zsh")
    def test_zsh_completes_what_a_person_types(self):
        output("zsh", "-n", str(self.script("zsh")))
        terminal = Terminal("zsh", "-f", "-i", directory=self.place)
        self.addCleanup(terminal.close)
        terminal.type(f"path=({self.place}/bin $path); autoload -U compinit; compinit -u -D; "
                      f"source {self.script('zsh')}; echo rea''dy\n")
        terminal.wait_for("ready")
        terminal.type("winnow top\tche\t--he\t\n")
        terminal.wait_for("Name every difference, change nothing")
        terminal.type("winnow run st\t--summ\t")
        terminal.wait_for("street.yaml")
        terminal.wait_for("--summary")

    @needs("fish")
    def test_fish_knows_commands_options_and_files(self):
        def fish(text):
            lines = output("fish", "--no-config", "-c", 'source $argv[1]; complete -C "$argv[2]"',
                           str(self.script("fish")), text, cwd=self.place).splitlines()
            return {line.split("\t")[0] for line in lines}
        self.assertEqual(fish("winnow "), set(subcommands(())))
        self.assertEqual(fish("winnow topics "), set(subcommands(("topics",))))
        self.assertEqual(fish("winnow completion "), {"bash", "fish", "zsh"})
        for path in all_commands():
            long = {name for name in options_of(path) if name.startswith("--")}
            self.assertLessEqual(long, fish(" ".join(("winnow",) + path + ("--",))))
        self.assertEqual(fish("winnow run --input p"), {"pictures/"})
        self.assertEqual(fish("winnow run str"), {"street.yaml"})


if __name__ == "__main__":
    unittest.main()
