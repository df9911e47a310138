"""deploy/stack as somebody uses it who has just built Winnow: up with a folder that is followed, a
picture dropped into it, status, alerts, logs, a changed spec, down, up again, down for good; and
two stacks side by side.

usage: stack_test.py BIN_DIR SPEC. Exits with 77 (skipped) without an installed broker.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PICTURES = 60
SECONDS = 90


def run(*command, status=0, path=None):
    environment = {**os.environ, **({"PATH": f"{path}:{os.environ['PATH']}"} if path else {})}
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False, timeout=200, env=environment)
    if done.returncode != status:
        sys.exit(f"{' '.join(str(word) for word in command)} ended with {done.returncode}, not "
                 f"{status}:\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


class Stack:
    def __init__(self, directory, programs, path):
        self.directory = directory
        self.up_options = ["--binaries", programs, "--heap", "256m"]
        self.path = path

    def __call__(self, command, *options, status=0):
        return run(REPOSITORY / "deploy/stack", command, "--directory", self.directory, *options,
                   status=status, path=self.path)

    def up(self, *options, status=0):
        return self("up", *self.up_options, *options, status=status)

    def told(self):
        return json.loads(self("status", "--json"))

    def brokers(self):
        return (self.directory / "broker/bootstrap").read_text().strip()


def require(condition, what):
    if not condition:
        sys.exit(str(what))


def becomes(condition, what):
    deadline = time.monotonic() + SECONDS
    while not condition():
        require(time.monotonic() < deadline, f"not within {SECONDS} s: {what()}")
        time.sleep(0.2)


def main():
    programs, spec = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    if not (REPOSITORY / "build/kafka/lib").is_dir() or not shutil.which("prometheus"):
        print("needs a broker (deploy/kafka/install) and Prometheus (deploy/packages/install "
              "stack.txt)")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="winnow-stack-") as scratch:
        scratch = pathlib.Path(scratch)
        run(programs / "make_pictures", scratch / "made", PICTURES + 1)
        shutil.copy(spec, scratch / "spec.yaml")
        use_stubs(scratch / "stubs")
        first = Stack(scratch / "first", programs, scratch / "stubs")
        second = Stack(scratch / "second", programs, scratch / "stubs")
        try:
            use(first, second, programs, scratch)
        finally:
            for stack in (first, second):
                if (stack.directory / "stack.json").exists():
                    stack("down", "--delete")


def use_stubs(folder):
    """A Grafana of which nothing is tested but how it is started."""
    folder.mkdir()
    (folder / "grafana-server").symlink_to(REPOSITORY / "tests/stack/stub_grafana")


def all_but_one(scratch):
    """The pictures without the last one made, which is returned."""
    shutil.copytree(scratch / "made", scratch / "pictures")
    late = next((scratch / "pictures").rglob(f"picture-{PICTURES}.*"))
    late.unlink()
    return late


def use(first, second, programs, scratch):
    late = all_but_one(scratch)
    said = first.up("--spec", scratch / "spec.yaml", "--input", scratch / "pictures",
                    "--instances", "validator=2")
    ready = re.findall(r"^(\S+) +http\S+/metrics", said, re.MULTILINE)
    require(sorted(ready) == ["balancer-0", "deduper-0", "privacy-blurrer-0", "sink-0",
                              "validator-0", "validator-1"], said)
    stored = re.search(r"first image +stored ([\d.]+) s after the start, visible in the dataset "
                       r"after ([\d.]+) s", said)
    require(stored, said)
    print(stored.group(0))
    require("Kafka Server started" in first("logs", "broker", "--lines", "1000"), "no broker log")
    first("logs", "nobody", status=1)

    follow(first, late, scratch)
    watch(first)
    change(first, scratch)

    second.up("--spec", scratch / "spec.yaml", "--no-prometheus", "--input", scratch / "made",
              "--once")
    require(first.brokers() != second.brokers(), "two stacks on one broker")
    require(second.told()["ingest"]["process"] is None, "--once goes on feeding")
    second("down", "--delete")
    require(not second.directory.exists(), "down --delete left its directory")
    go_on(first, programs, scratch)
    print(f"{PICTURES + 1} pictures, two stacks, four starts")


def follow(first, late, scratch):
    """A picture that comes while the stack runs is stored or refused like any other."""
    require(first.told()["ingest"]["input"] == str(scratch / "pictures"), first.told())
    shutil.copy(scratch / "made" / late.relative_to(scratch / "pictures"), late)
    sent = f"{PICTURES + 1} images sent"
    def says():
        return first.told()["ingest"]["says"]

    becomes(lambda: sent in says(), says)
    # A volume that goes away and comes back.
    away = scratch / "away"
    (scratch / "pictures").rename(away)
    becomes(lambda: "looking again" in says(), says)
    away.rename(scratch / "pictures")
    becomes(lambda: "can be read again" in says(), says)


def watch(first):
    told = first.told()
    require(all(each["ready"] for each in told["services"]) and len(told["services"]) == 6, told)
    require(isinstance(told["alerts"], list), told)
    require(told["grafana"]["process"], told)
    said = first("status")
    require(said.count(" ready") == 6 and re.search(r"^alerts +\d+ firing", said, re.MULTILINE)
            and "privacy-blurrer" in said, said)
    stub = json.loads((first.directory / "grafana/started.json").read_text())
    require(stub["WINNOW_PROMETHEUS_URL"] == told["prometheus"]["url"], stub)


def change(first, scratch):
    """What a second `up` is told, and is not."""
    spec = scratch / "spec.yaml"
    before = {each["name"]: each["process"] for each in first.told()["services"]}
    first.up()
    require({each["name"]: each["process"] for each in first.told()["services"]} == before,
            "up without changes restarted services")
    spec.write_text(spec.read_text().replace("warmup: 10", "warmup: 12"))
    good = spec.read_text()
    said = first.up("--instances", "validator=1")
    require("services start again" in said, said)
    after = {each["name"]: each["process"] for each in first.told()["services"]}
    require(set(after) == set(before) - {"validator-1"}
            and not set(after.values()) & set(before.values()), (before, after))
    spec.write_text(spec.read_text().replace("collection: ", "collection: other-"))
    require("give another --directory" in first.up(status=1), "another collection was taken")
    spec.write_text("winnow: 1\ncolection: x\n")
    require("colection" in first.up(status=1), "a wrong spec was taken")
    spec.write_text(good)
    require("is no folder" in first.up("--input", spec, status=1), "a file was taken as folder")


def go_on(first, programs, scratch):
    """An image is stored once its shard is sealed, which the end of a stack does not hurry: what
    arrived is accounted for all the same."""
    before = first.brokers()
    first("down")
    ended = json.loads((first.directory / "run/ingest.json").read_text())
    require(ended["last_exit"] == 0, f"the follower stopped with {ended}")
    first("status", status=1)
    first.up("--no-prometheus")
    require(first.brokers() == before, "the broker moved")
    require(first.told()["ingest"]["process"], "it does not follow its folder any more")
    report = scratch / "audit.json"
    run(programs / "winnow", "audit", "--brokers", before, "--dataset", first.directory / "dataset",
        "--wait", SECONDS, "--json", report)
    audit = json.loads(report.read_text())
    require(audit["sound"] and audit["figures"]["arrivals"] == PICTURES + 1, audit)
    first("down", "--delete")


main()
