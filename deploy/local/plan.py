"""What `deploy/stack up` was told, kept in DIR/stack.json from one `up` to the next.

A later `up` changes what it is told and keeps the rest. Ports are found once and kept, so that
everything is found where it was.
"""
import dataclasses
import hashlib
import json
import pathlib
import re

import broker
import pipeline

# Over deploy/services. Somebody waits for the first image: a part is published when nothing has
# come for so long.
SETTINGS = {"sink.seal_when_idle_seconds": 10}


class Refused(Exception):
    """What went wrong and what to do, in one line."""


@dataclasses.dataclass
class Plan:
    spec: str
    binaries: str
    input: str | None       # folder that is followed
    instances: list         # [{stage, number, port}]
    ports: dict             # of prometheus and grafana
    collection: str         # whose topics, state and dataset these are
    services: str           # digest of what services are started with

    @staticmethod
    def load(directory):
        """Of the last `up` there, or None."""
        try:
            return Plan(**json.loads((directory / "stack.json").read_text()))
        except FileNotFoundError:
            return None
        except (TypeError, ValueError) as error:
            raise Refused(f"{directory}/stack.json is of another version: deploy/stack down with "
                          f"that one, or remove {directory}") from error

    def save(self, directory):
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "stack.json").write_text(
            json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    def names(self):
        return [f"{entry['stage']}-{entry['number']}" for entry in self.instances]

    def free_taken_ports(self, running):
        """Gives another port to what does not run and has one that somebody else took since; its
        names."""
        moved = []
        for name, entry in zip(self.names(), self.instances):
            if name not in running and not broker.is_free(entry["port"]):
                entry["port"] = broker.free_port()
                moved.append(name)
        for name, port in self.ports.items():
            if name not in running and not broker.is_free(port):
                self.ports[name] = broker.free_port()
                moved.append(name)
        return moved


def merged(last, options, repository):
    """The plan of now: what `options` say, else the last one, else the defaults."""
    def pick(name, given, default):
        return str(given.resolve()) if given else getattr(last, name) if last else default
    spec = pick("spec", options.spec, str(repository / "deploy/examples/quickstart.yaml"))
    binaries = pick("binaries", options.binaries, str(repository / "build/release/bin"))
    follows = options.feed and not options.once
    folder = pick("input", options.input, None) if follows else None
    return Plan(spec, binaries, folder, instances_of(last, options.instances),
                last.ports if last else {name: broker.free_port()
                                         for name in ("prometheus", "grafana")},
                collection_of(spec), started_with(spec, binaries))


def instances_of(last, counts):
    had = {(entry["stage"], entry["number"]): entry["port"]
           for entry in (last.instances if last else [])}
    instances = []
    for stage in pipeline.STAGES:
        before = sum(1 for name, _ in had if name == stage)
        for number in range(counts.get(stage, before or 1)):
            port = had.get((stage, number)) or broker.free_port()
            instances.append({"stage": stage, "number": number, "port": port})
    return instances


def collection_of(spec):
    """Name, as far as it can be seen without parsing; `winnow spec check` judges the rest."""
    try:
        found = re.search(r"^collection:\s*[\"']?([^\s\"'#]+)", pathlib.Path(spec).read_text(),
                          re.MULTILINE)
    except OSError as error:
        raise Refused(f"cannot read the spec {spec}: {error.strerror}") from error
    return found.group(1) if found else ""


def started_with(spec, binaries):
    digest = hashlib.sha256(pathlib.Path(spec).read_bytes())
    for stage in pipeline.STAGES:
        program = pathlib.Path(binaries) / f"winnow-{stage}"
        if program.exists():
            digest.update(f"{program} {program.stat().st_mtime_ns}".encode())
    return digest.hexdigest()
