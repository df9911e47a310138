"""`winnow topics acl` on a broker with TLS, SCRAM users and an authorizer that denies the rest:
the printed rights, one principal a service, are enough for the whole pipeline, none is too many.

usage: access_rights.py BIN_DIR [--images N] [--keep DIR]

Enough: images flow from ingest to shards, `audit` finds one outcome for each, dead letters and
refusals are replayed, and the broker denied nobody anything. Not too many: the broker's own log of
decisions shows a use of every right. Zones: the broker itself says what each user may do with each
topic. Exit code 1 if one of it does not hold, 77 (skipped) without broker or openssl.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
DEPLOY = HERE.parents[1] / "deploy"
sys.path[:0] = [str(DEPLOY / "local"), str(DEPLOY / "kafka")]

import broker as kafka  # noqa: E402
import kafka_feed  # noqa: E402
import kafka_secured  # noqa: E402
import kafka_wire  # noqa: E402
import pipeline as local  # noqa: E402

SECONDS = 60
PARTITIONS = 2
RAW_TOPICS = ("images.raw", "images.valid", "images.review", "images.dead")
INPUTS = ("images.raw", "images.valid", "images.safe", "images.unique", "images.selected")
SAFE_USERS = ("deduper", "balancer", "sink", "status", "forget")
REFUSED = 29  # topic authorization failed

# Both reserve and refusals of the balancer, refusals of every other stage but one: to refuse, the
# blurrer needs a face that fills the picture and a detector that finds it.
SPEC = """winnow: 1
collection: rights
ingest: {label_from: parent_directory}
validate: {min_side: 96}
privacy: {faces: false}
balance:
  warmup: 10
  reserve_images: 3
  axes:
    - name: class
      targets: {car: 0.3, bus: 0.5, bicycle: 0.2}
output: {shard_images: 37}
"""
NOT_PROVOKED = {("privacy-blurrer", "images.rejected", "Write")}

SETTINGS = {"kafka.session_timeout_ms": 6000, "commit.interval_ms": 100, "lanes": 1,
            "sink.seal_when_idle_seconds": 1, "drain_seconds": 10}

LOG = f"""{(DEPLOY / "kafka/log4j.properties").read_text()}
log4j.logger.kafka.authorizer.logger=DEBUG
"""
DECISION = re.compile(
    r"Principal = User:(?P<user>\S+) is (?P<verdict>Allowed|Denied) operation = "
    r"(?P<operation>\w+) from host = \S+ on resource = (?P<resource>\S+) for request = (?P<api>\w+)"
    r".*?(?:resourceName=(?P<name>[^,]+).*?operation=(?P<rule>\w+)|$)")


class Checks:
    def __init__(self):
        self.broken = False

    def tell(self, holds, what):
        self.broken = self.broken or not holds
        print(f"{'holds   ' if holds else 'VIOLATED'}  {what}", flush=True)


class Test:
    def __init__(self, args, scratch):
        self.programs = pathlib.Path(args.bin_dir).resolve()
        self.images = args.images
        self.scratch = scratch
        self.checks = Checks()
        (scratch / "log4j.properties").write_text(LOG)
        self.secured = kafka_secured.SecuredBroker(
            scratch / "secured", jvm=(f"-Dlog4j.configuration=file:{scratch}/log4j.properties",))
        self.spec = scratch / "spec.yaml"
        self.spec.write_text(SPEC)
        self.users = {}
        self.services = []

    def run(self):
        """0 if everything holds."""
        try:
            self.secured.start()
            self.give_rights()
            self.use_them()
            self.nothing_denied()
            self.every_right_used()
            self.zones_kept()
        finally:
            for service in self.services:
                service.stop(20)
            self.secured.stop()
        return 1 if self.checks.broken else 0

    # -- giving --

    def give_rights(self):
        self.users = {user["service"]: user for user in self.printed("json")["users"]}
        commands = [line for line in self.printed("commands").splitlines()
                    if line.startswith("kafka-acls.sh")]
        told = {right for line in commands for right in rights_of_command(line)}
        self.checks.tell(told == self.rights(),
                         f"commands and JSON print the same {len(told)} rights")
        for service in self.users:
            self.secured.add_user(f"winnow-{service}")
        by_kafka = [line for line in commands if "'User:winnow-sink'" in line
                    or "--transactional-id 'winnow-validator/'" in line]
        self.run_commands(by_kafka)
        done = {right for line in by_kafka for right in rights_of_command(line)}
        for service, kind, name, pattern, operation in self.rights() - done:
            self.secured.allow(f"winnow-{service}", [
                (kind.replace("-", " "), name + "*" * (pattern == "prefix"), spaced(operation))])

    def printed(self, form):
        done = subprocess.run([self.programs / "winnow", "topics", "acl", "--format", form],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        return json.loads(done.stdout) if form == "json" else done.stdout

    def rights(self):
        """(service, resource, name, pattern, operation)."""
        return {(service, right["resource"], right["name"], right["pattern"], operation)
                for service, user in self.users.items() for right in user["rights"]
                for operation in right["operations"]}

    def run_commands(self, commands):
        """As printed, with Kafka's own tool."""
        tools = self.scratch / "tools"
        tools.mkdir()
        (tools / "kafka-acls.sh").write_text(
            f'#!/bin/bash\nexec java -Xshare:auto -XX:TieredStopAtLevel=1 -cp '
            f'"{kafka.INSTALLED}/lib/*" kafka.admin.AclCommand "$@"\n')
        (tools / "kafka-acls.sh").chmod(0o755)
        (self.scratch / "admin.properties").write_text("")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(commands)], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
            env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}",
                 "BROKERS": self.secured.plain, "ADMIN": str(self.scratch / "admin.properties")})
        self.checks.tell(done.returncode == 0 and "Adding ACLs" in done.stdout,
                         f"kafka-acls.sh takes {len(commands)} of the commands as printed "
                         f"{done.stderr[-500:].strip() if done.returncode else ''}")

    # -- using --

    def use_them(self):
        topics = ("--replication", 1, "--partitions", PARTITIONS)
        self.winnow("topics", "topics", "apply", DEPLOY / "topics.yaml", *topics)
        self.winnow("topics", "topics", "check", DEPLOY / "topics.yaml", *topics)
        kafka_feed.make_pictures(self.programs / "make_pictures", self.scratch / "pictures/a",
                                 self.images, (160, 120))
        kafka_feed.make_pictures(self.programs / "make_pictures", self.scratch / "pictures/small",
                                 2, (64, 64))
        self.start_services()
        self.secured.auditor.send("images.raw", 0, b"garbage", b"no record")
        self.winnow("ingest", "ingest", self.spec, "--input", self.scratch / "pictures")
        self.await_work("images fed", lambda: self.committed("validator") >= self.images)
        self.winnow("audit", "audit", "--dataset", self.scratch / "services/dataset",
                    "--wait", SECONDS)
        self.break_messages()
        self.winnow("replay", "replay", "dead", "--all")
        self.winnow("replay", "replay", "rejected", "--all")
        self.winnow("forget", "forget", "0" * 32)
        # What this test has sent itself has not arrived through images.raw: unsound, and read.
        self.winnow("audit", "audit", "--dataset", self.scratch / "services/dataset", code=3)
        self.watch_idle_pipeline()

    def credentials(self, service):
        user = f"winnow-{service}"
        return {"security.protocol": "SASL_SSL", "ssl.ca.location": self.secured.authority,
                "sasl.mechanism": "SCRAM-SHA-256", "sasl.username": user,
                "sasl.password": f"@{self.secured.password_file(user)}",
                "broker.address.family": "v4"}

    def start_services(self):
        for stage in local.STAGES:
            given = self.credentials(stage)
            del given["sasl.password"]
            settings = {f"kafka.properties.{key.replace('.', '_')}": value
                        for key, value in given.items()}
            settings["kafka.properties.sasl_password_file"] = self.secured.password_file(
                f"winnow-{stage}")
            service = local.Pipeline(self.scratch / "services", self.programs,
                                     self.secured.brokers, self.spec,
                                     settings={**SETTINGS, **settings})
            self.services.append(service)
            service.add(stage, 0, kafka.free_port()).run()
        self.await_work("all five stages ready", lambda: all(
            instance.is_ready() for instance in self.instances()))

    def instances(self):
        return [instance for service in self.services for instance in service.instances.values()]

    def await_work(self, what, condition):
        done = kafka.wait_until(
            lambda: condition() or any(each.gave_up() for each in self.instances()), SECONDS)
        trouble = [f"{each.name} ended: {each.last_lines(1)}" for each in self.instances()
                   if each.gave_up()]
        self.checks.tell(done and not trouble, f"{what} {'; '.join(trouble)}")
        if not done or trouble:
            sys.exit(1)

    def watch_idle_pipeline(self):
        """Where few messages wait, status looks at them."""
        for service in reversed(self.services):
            service.stop(20)
        for topic in INPUTS:
            self.secured.auditor.send(topic, 1, b"garbage", b"no record")
        self.winnow("status", "status", "--once")

    def winnow(self, service, *arguments, code=0):
        command = [self.programs / "winnow", *arguments, "--brokers", self.secured.brokers]
        for name, value in self.credentials(service).items():
            command += ["--property", f"{name}={value}"]
        done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=120, check=False)
        said = (done.stdout + done.stderr).strip()
        words = " ".join(str(word) for word in arguments[:2])
        self.checks.tell(done.returncode == code, f"as winnow-{service}: {words} ends with "
                         f"{done.returncode}: {said[-600 if done.returncode else -100:]!r}")

    def committed(self, stage):
        try:
            offsets = self.secured.auditor.committed(f"winnow-{stage}",
                                                     INPUTS[local.STAGES.index(stage)], PARTITIONS)
        except kafka_wire.KafkaError:
            return 0
        return sum((offsets or {}).values())

    def count(self, topic):
        return sum(1 for _ in self.secured.auditor.read_all(topic, PARTITIONS))

    def break_messages(self):
        """One that cannot be read before every stage, and for review a picture that broke after
        it was validated."""
        auditor = self.secured.auditor
        dead = self.count("images.dead")
        for topic in INPUTS:
            auditor.send(topic, 0, b"garbage", b"no record")
        auditor.send("images.valid", 0, b"broken", self.broken_picture())
        self.await_work(f"a dead letter of each stage, {dead} before",
                        lambda: self.count("images.dead") >= dead + len(INPUTS))
        self.await_work("an image for review", lambda: self.count("images.review") >= 1)

    def broken_picture(self):
        """A record of images.valid with other bytes in place of the picture's, and their digest."""
        pictures = [path.read_bytes() for path in (self.scratch / "pictures/a").rglob("*.jpg")]
        for message in self.secured.auditor.read_all("images.valid", PARTITIONS):
            for picture in pictures:
                if picture in message.value:
                    noise = bytes(len(picture))
                    return message.value.replace(picture, noise).replace(
                        hashlib.sha256(picture).digest(), hashlib.sha256(noise).digest())
        sys.exit("no picture in images.valid")

    # -- what the broker decided --

    def decisions(self):
        for match in DECISION.finditer(self.secured.log.read_text(errors="replace")):
            if match["user"].startswith("winnow-"):
                yield match

    def nothing_denied(self):
        denied = {(match["user"], match["operation"], match["resource"], match["api"])
                  for match in self.decisions() if match["verdict"] == "Denied"}
        self.checks.tell(not denied, f"nobody was denied anything {sorted(denied) or ''}")

    def every_right_used(self):
        """By the rule that the broker names: a right to write that only served to describe is not
        used."""
        used = {(match["user"].removeprefix("winnow-"), match["name"],
                 match["operation"].replace("_", "").lower())
                for match in self.decisions()
                if match["verdict"] == "Allowed" and match["rule"] == match["operation"]}
        wanted = {(service, name, operation)
                  for service, _, name, _, operation in self.rights()} - NOT_PROVOKED
        idle = {right for right in wanted if (*right[:2], right[2].lower()) not in used}
        self.checks.tell(not idle, f"each of {len(wanted)} rights was used {sorted(idle) or ''}")

    def zones_kept(self):
        """What each may do is what was printed and what that implies, and no more."""
        topics = sorted({name for _, kind, name, _, _ in self.rights() if kind == "topic"})
        allowed = {}
        for service in self.users:
            connection = kafka_secured.UserConnection(self.secured, f"winnow-{service}")
            allowed[service] = connection.allowed_on(topics)
            connection.close()
        for service in self.users:
            expected = {topic: self.implied(service, topic) for topic in topics}
            wrong = {topic for topic in topics if allowed[service][topic] != expected[topic]}
            self.checks.tell(not wrong, f"winnow-{service} may do what was printed, on "
                             f"{len(topics)} topics {sorted(wrong) or ''}")
        writers = {topic: {service for service in self.users if "write" in allowed[service][topic]}
                   for topic in topics}
        self.checks.tell(writers["images.safe"] == {"privacy-blurrer", "replay", "forget"},
                         f"images.safe is written by {sorted(writers['images.safe'])}")
        for service in SAFE_USERS:
            self.refuse_raw(service, allowed[service])

    def implied(self, service, topic):
        given = {spaced(operation) for user, kind, name, _, operation in self.rights()
                 if (user, kind, name) == (service, "topic", topic)}
        return given | ({"describe"} if given & {"read", "write"} else set())

    def refuse_raw(self, service, allowed):
        """And really does not get a byte of it."""
        connection = kafka_secured.UserConnection(self.secured, f"winnow-{service}")
        refused = []
        for topic in RAW_TOPICS:
            try:
                connection.fetch(topic, 0, 0)
            except kafka_wire.KafkaError as error:
                refused += [topic] if str(error).endswith(f"error {REFUSED}") else []
        connection.close()
        readable = [topic for topic in RAW_TOPICS if "read" in allowed[topic]]
        self.checks.tell(refused == list(RAW_TOPICS) and not readable,
                         f"winnow-{service} is refused {', '.join(refused)}")


def spaced(operation):
    """DescribeConfigs as Kafka's error messages and kafka_secured have it."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", operation).lower()


def rights_of_command(line):
    """(service, resource, name, pattern, operation), one for each operation."""
    words = shlex.split(line)
    given = {}
    for flag, value in zip(words, words[1:]):
        if flag.startswith("--"):
            given.setdefault(flag, []).append(value)
    kind = next(kind for kind in ("topic", "group", "transactional-id") if f"--{kind}" in given)
    pattern = "prefix" if given.get("--resource-pattern-type") == ["prefixed"] else "literal"
    service = given["--allow-principal"][0].removeprefix("User:winnow-")
    return [(service, kind, given[f"--{kind}"][0], pattern, operation)
            for operation in given["--operation"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin_dir")
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--keep", type=pathlib.Path, help="work here, and leave everything")
    args = parser.parse_args()
    kafka_secured.run_and_exit(Test, args, "rights")


if __name__ == "__main__":
    main()
