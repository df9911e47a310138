"""deploy/stack as somebody uses it who has just built Winnow: up with a folder, status, logs, down,
up again, down for good; and two stacks side by side.

usage: stack_test.py BIN_DIR SPEC. Exits with 77 (skipped) without an installed broker.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PICTURES = 60


def run(*command, status=0):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False, timeout=200)
    if done.returncode != status:
        sys.exit(f"{' '.join(str(word) for word in command)} ended with {done.returncode}, not "
                 f"{status}:\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


class Stack:
    def __init__(self, directory, programs, spec):
        self.directory = directory
        self.up_options = ["--binaries", programs, "--spec", spec, "--no-prometheus",
                           "--heap", "256m"]

    def __call__(self, command, *options, status=0):
        return run(REPOSITORY / "deploy/stack", command, "--directory", self.directory, *options,
                   status=status)

    def up(self, *options):
        return self("up", *self.up_options, *options)

    def brokers(self):
        return (self.directory / "broker/bootstrap").read_text().strip()


def require(condition, what):
    if not condition:
        sys.exit(what)


def main():
    programs, spec = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    if not (REPOSITORY / "build/kafka/lib").is_dir():
        print("no broker installed: deploy/kafka/install")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="winnow-stack-") as scratch:
        scratch = pathlib.Path(scratch)
        run(programs / "make_pictures", scratch / "pictures", PICTURES)
        first = Stack(scratch / "first", programs, spec)
        second = Stack(scratch / "second", programs, spec)
        try:
            use(first, second, programs, scratch)
        finally:
            for stack in (first, second):
                if (stack.directory / "stack.json").exists():
                    stack("down", "--delete")


def use(first, second, programs, scratch):
    said = first.up("--input", scratch / "pictures", "--instances", "validator=2")
    ready = re.findall(r"^(\S+) +http", said, re.MULTILINE)
    require(sorted(ready) == ["balancer-0", "deduper-0", "privacy-blurrer-0", "sink-0",
                              "validator-0", "validator-1"], said)
    require(f"{PICTURES} records" in said, said)
    require("Kafka Server started" in first("logs", "broker", "--lines", "1000"), "no broker log")
    first("logs", "nobody", status=1)
    require(first("status").count(" ready") == 6, "not every service is ready")

    second.up()
    require(first.brokers() != second.brokers(), "two stacks on one broker")
    second("down", "--delete")
    require(not second.directory.exists(), "down --delete left its directory")

    # An image is stored once its shard is sealed, which the end of a stack does not hurry: what
    # arrived is accounted for all the same.
    before = first.brokers()
    first("down")
    first("status", status=1)
    first.up()
    require(first.brokers() == before, "the broker moved")
    report = scratch / "audit.json"
    run(programs / "winnow", "audit", "--brokers", before, "--dataset", first.directory / "dataset",
        "--json", report)
    audit = json.loads(report.read_text())
    require(audit["sound"] and audit["figures"]["arrivals"] == PICTURES, audit)
    first("down", "--delete")
    print(f"{PICTURES} pictures, two stacks, three starts")


main()
