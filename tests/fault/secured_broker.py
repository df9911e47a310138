"""The real programs on a broker with TLS, SCRAM users and ACLs: what works with the right
credentials and rights, and what each wrong one ends in.

usage: secured_broker.py BIN_DIR SPEC [--images N] [--keep DIR]

Every refusal is one of two things: exit code 2 with the reason in the last line and nothing
committed; or a process that lives, is not ready, says why in its log and on /readyz, and does not
spin. No password shows anywhere. Exit code 1 if one does otherwise, 77 (skipped) without broker or
openssl.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
DEPLOY = HERE.parents[1] / "deploy"
sys.path[:0] = [str(DEPLOY / "local"), str(DEPLOY / "kafka")]

import broker as kafka  # noqa: E402
import kafka_feed  # noqa: E402
import kafka_secured  # noqa: E402
import kafka_wire  # noqa: E402
import pipeline as local  # noqa: E402

WRONG_PASSWORD = "neither-this-one-5f1d"
OUTPUTS = ("images.valid", "images.rejected", "images.dead")
EVERYTHING = (("topic", "images.raw", "read"), *(("topic", name, "write") for name in OUTPUTS),
              ("group", "winnow-validator", "read"),
              ("transactional id", "winnow-validator/*", "write"))
OPERATOR = (("cluster", "kafka-cluster", "create"),
            ("topic", "*", "describe", "describe configs", "write"))
READY_SECONDS = 40
REFUSED_SECONDS = 40
# Not ready and left alone for so long, a process may use so much.
WATCHED_SECONDS = 4.0
MOST_CPU_SHARE = 0.1
MOST_RESIDENT_KB = 160 * 1024


class Validator:
    """One process; its settings come from the environment alone."""

    def __init__(self, name, programs, spec, scratch, secured, changes):
        self.name = name
        self.port = kafka.free_port()
        self.log = scratch / f"{name}.log"
        blobs = scratch / "blobs"
        blobs.mkdir(exist_ok=True)
        self.settings = {
            "SPEC": spec, "INSTANCE": f"validator-{name}", "BLOBS__RAW": blobs, "LANES": 1,
            "HTTP__ADDRESS": "127.0.0.1", "HTTP__PORT": self.port,
            "KAFKA__BROKERS": secured.brokers, "KAFKA__SESSION_TIMEOUT_MS": 6000,
            **{f"KAFKA__PROPERTIES__{key.replace('.', '_').upper()}": value
               for key, value in properties(secured, "validator").items()
               if key != "sasl.password"},
            "KAFKA__PROPERTIES__SASL_PASSWORD_FILE": secured.password_file("validator"),
            **changes}
        environment = {f"WINNOW_{key}": str(value) for key, value in self.settings.items()}
        self.began = time.monotonic()
        self.pages = []
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(programs / "winnow-validator")], env={**os.environ, **environment},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def text(self):
        return self.log.read_text(errors="replace")

    def last_line(self):
        return (self.text().splitlines() or [""])[-1]

    def page(self, path):
        """Status and body; kept, to be searched for secrets."""
        status, body = local.answer_of(self.port, path)
        self.pages.append(body)
        return status, body

    def is_ready(self):
        return self.page("/readyz")[0] == 200

    def exit_code(self):
        return self.process.poll()

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2]
        return sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")

    def resident_kb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    def stop(self):
        """Its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def properties(secured, user):
    return {"security.protocol": "SASL_SSL", "ssl.ca.location": secured.authority,
            "sasl.mechanism": "SCRAM-SHA-256", "sasl.username": user,
            "sasl.password": f"@{secured.password_file(user)}", "broker.address.family": "v4"}


class Checks:
    """What was found, printed as it is; `outputs` is all that programs have said."""

    def __init__(self):
        self.broken = False
        self.outputs = []

    def tell(self, holds, what):
        self.broken = self.broken or not holds
        print(f"{'holds   ' if holds else 'VIOLATED'}  {what}", flush=True)


class Test:
    def __init__(self, args, scratch):
        self.programs = pathlib.Path(args.bin_dir).resolve()
        self.spec = pathlib.Path(args.spec).resolve()
        self.images = args.images
        self.scratch = scratch
        self.checks = Checks()
        self.secured = kafka_secured.SecuredBroker(scratch / "secured")
        self.validators = []

    def run(self):
        """0 if everything holds."""
        try:
            self.secured.start()
            self.make_users()
            self.right_credentials()
            self.command_refused()
            self.services_refused()
            self.rights_refused()
            self.rights_given_later()
            self.password_changed()
        finally:
            for validator in self.validators:
                validator.stop()
            self.secured.stop()
        self.no_secret_anywhere()
        return 1 if self.checks.broken else 0

    def make_users(self):
        self.secured.write_secret("wrong", WRONG_PASSWORD)
        for user, rights in {"operator": OPERATOR, "validator": EVERYTHING}.items():
            self.secured.add_user(user)
            self.secured.allow(user, rights)

    def start(self, name, **changes):
        validator = Validator(name, self.programs, self.spec, self.scratch, self.secured, changes)
        self.validators.append(validator)
        return validator

    def winnow(self, *arguments, brokers=None, **changes):
        """Exit code and everything printed of the command, as the operator unless changed."""
        given = {**properties(self.secured, "operator"),
                 **{key.replace("_", "."): value for key, value in changes.items()}}
        command = [self.programs / "winnow", *arguments, "--brokers",
                   brokers or self.secured.brokers]
        for name, value in given.items():
            command += ["--property", f"{name}={value}"]
        done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=120, check=False)
        self.checks.outputs.append(done.stdout + done.stderr)
        return done.returncode, (done.stdout + done.stderr).strip()

    def make_topics(self, prefix=""):
        code, text = self.winnow("topics", "apply", DEPLOY / "topics.yaml", "--replication", 1,
                                 "--partitions", 2, "--prefix", prefix)
        if code:
            sys.exit(f"topics apply ended with {code}: {text}")

    def ingest(self, prefix=""):
        code, text = self.winnow("ingest", self.spec, "--input", self.scratch / "pictures",
                                 "--prefix", prefix)
        if code:
            sys.exit(f"ingest ended with {code}: {text}")

    # -- the right ones --

    def right_credentials(self):
        self.make_topics()
        kafka_feed.make_pictures(self.programs / "make_pictures", self.scratch / "pictures",
                                 self.images, (160, 120))
        self.ingest()
        validator = self.start("right")
        worked = kafka.wait_until(
            lambda: validator.exit_code() is not None or self.committed("") == self.images,
            READY_SECONDS)
        outcomes = self.outcomes("")
        self.checks.tell(worked and validator.is_ready() and len(outcomes) == self.images
                         and len(set(outcomes)) == self.images,
                         "over TLS and SCRAM, password from a file: topics made, "
                         f"{self.images} images fed, {self.committed('')} committed, "
                         f"{len(outcomes)} outcomes of {len(set(outcomes))} arrivals "
                         f"{self.trouble(validator)}")
        validator.page("/metrics")
        code = validator.stop()
        self.checks.tell(code == 0, f"    SIGTERM ends it with {code}")

    @staticmethod
    def trouble(validator):
        code = validator.exit_code()
        return "" if code is None else f"(ended with {code}: {validator.last_line()})"

    def committed(self, prefix):
        try:
            offsets = self.secured.auditor.committed(f"{prefix}winnow-validator",
                                                     f"{prefix}images.raw", 2)
        except kafka_wire.KafkaError:  # no member has asked for a coordinator yet
            return 0
        return sum((offsets or {}).values())

    def outcomes(self, prefix):
        """Origins, as often as they show."""
        return [message.headers.get("winnow-origin")
                for topic in (f"{prefix}images.valid", f"{prefix}images.rejected")
                for message in self.secured.auditor.read_all(topic, 2)]

    # -- wrong ways to the broker --

    def command_refused(self):
        """The command ends in any case: 2 for what a person must mend, with the reason."""
        cases = {
            "wrong password": ((2,), "uthentication", {
                "sasl_password": f"@{self.secured.password_file('wrong')}"}),
            "unknown user": ((2,), "uthentication", {"sasl_username": "nobody"}),
            "untrusted authority": ((2,), "certificate", {
                "ssl_ca_location": self.secured.stranger}),
            "plaintext to TLS": ((1, 2), "security.protocol", {"security_protocol": "PLAINTEXT"}),
        }
        with concurrent.futures.ThreadPoolExecutor() as side_by_side:
            asked = {name: side_by_side.submit(self.timed_check, case[2])
                     for name, case in cases.items()}
        for name, (expected, reason, _) in cases.items():
            code, text, seconds = asked[name].result()
            self.checks.tell(reason in text and code in expected,
                             f"winnow, {name}: exit {code} after {seconds:.1f} s: {text[-300:]}")

    def timed_check(self, changes):
        began = time.monotonic()
        code, text = self.winnow("topics", "check", DEPLOY / "topics.yaml", **changes)
        return code, text, time.monotonic() - began

    def services_refused(self):
        """Side by side, to take the time of one."""
        secured = self.secured
        cases = {
            "password": ("uthentication", {
                "KAFKA__PROPERTIES__SASL_PASSWORD_FILE": secured.password_file("wrong")}),
            "authority": ("certificate", {
                "KAFKA__PROPERTIES__SSL_CA_LOCATION": secured.stranger}),
            "host": ("certificate", {"KAFKA__BROKERS": f"127.0.0.1:{secured.port}"}),
            "plaintext": ("security.protocol", {
                "KAFKA__PROPERTIES__SECURITY_PROTOCOL": "PLAINTEXT"}),
            "no-sasl": ("SASL", {"KAFKA__PROPERTIES__SECURITY_PROTOCOL": "SSL"}),
            "mechanism": ("mechanism", {"KAFKA__PROPERTIES__SASL_MECHANISM": "PLAIN"}),
        }
        validators = {self.start(name, **changes): reason
                      for name, (reason, changes) in cases.items()}
        self.await_outcomes(validators)
        for validator, reason in validators.items():
            self.check_refusal(validator, reason)
            validator.stop()

    @staticmethod
    def await_outcomes(validators):
        """Until each has ended or told why it waits."""
        def settled(validator, reason):
            if validator.exit_code() is not None:
                return True
            status, body = validator.page("/readyz")
            return status == 503 and reason in body and reason in validator.text()
        kafka.wait_until(lambda: all(settled(*each) for each in validators.items()),
                         REFUSED_SECONDS / 2)

    def check_refusal(self, validator, reason):
        code = validator.exit_code()
        if code is None:
            self.check_waiting(validator, reason)
            return
        last = validator.last_line()
        self.checks.tell(code == 2 and reason in last,
                         f"validator, wrong {validator.name}: exit {code}: {last[-400:]}")

    def check_waiting(self, validator, reason):
        ready, body = validator.page("/readyz")
        live, _ = validator.page("/healthz")
        told = reason in validator.text()
        cpu = self.cpu_share(validator)
        resident = validator.resident_kb()
        self.checks.tell(
            ready == 503 and live == 200 and "reachable" in body and reason in body and told
            and cpu <= MOST_CPU_SHARE and resident <= MOST_RESIDENT_KB,
            f"validator, wrong {validator.name}: lives ({live}), not ready ({ready}), reason "
            f"{'in' if told else 'NOT in'} the log and {'in' if reason in body else 'NOT in'} "
            f"{body}, {cpu:.0%} of a core, {resident // 1024} MB")

    @staticmethod
    def cpu_share(validator):
        """Measured over a while, which is the point of waiting here."""
        before, began = validator.cpu_seconds(), time.monotonic()
        time.sleep(WATCHED_SECONDS)
        return (validator.cpu_seconds() - before) / (time.monotonic() - began)

    # -- rights --

    def rights_refused(self):
        """Each lacks one right; a pipeline of its own keeps their groups apart."""
        cases = {
            "group": ("roup authorization failed", ("group",)),
            "transactional-id": ("ransactional Id authorization failed", ("transactional id",)),
            "input": ("opic authorization failed", ("images.raw",)),
            "output": ("opic authorization failed", ("images.valid",)),
        }
        validators = {}
        for name, (reason, missing) in cases.items():
            self.make_pipeline_of(name, missing)
            validators[self.start(name, **self.of(name))] = reason
        self.await_outcomes(validators)
        for validator, reason in validators.items():
            self.check_refusal(validator, reason)
            validator.stop()
            left = len(self.outcomes(f"{validator.name}.")), self.committed(f"{validator.name}.")
            self.checks.tell(left == (0, 0), f"    outcomes and offsets committed: {left}")

    def make_pipeline_of(self, name, missing):
        prefix = f"{name}."
        self.make_topics(prefix)
        self.ingest(prefix)
        self.secured.add_user(name)
        rights = [(kind, prefix + resource, *operations)
                  for kind, resource, *operations in EVERYTHING
                  if kind not in missing and resource not in missing]
        # Seen by everybody: what is missing is one right, not the topic.
        self.secured.allow(name, rights + [("topic", f"{prefix}*", "describe")])

    def of(self, name):
        return {"KAFKA__TOPIC_PREFIX": f"{name}.", "KAFKA__PROPERTIES__SASL_USERNAME": name,
                "KAFKA__PROPERTIES__SASL_PASSWORD_FILE": self.secured.password_file(name)}

    def rights_given_later(self):
        """A refusal for want of a right loses nothing."""
        name = "output"
        self.secured.allow(name, [("topic", f"{name}.images.valid", "write")])
        # Under the name it had, as a restart is: that ends the transaction it left behind.
        validator = self.start(f"{name}-again", INSTANCE=f"validator-{name}", **self.of(name))
        kafka.wait_until(lambda: self.committed(f"{name}.") == self.images
                         or validator.exit_code() is not None, READY_SECONDS)
        outcomes = self.outcomes(f"{name}.")
        self.checks.tell(len(outcomes) == len(set(outcomes)) == self.images,
                         f"the missing right given, started again: {len(outcomes)} outcomes of "
                         f"{len(set(outcomes))} arrivals {self.trouble(validator)}")

    # -- a password that is changed while a service runs --

    def password_changed(self):
        """It shows when connections break: told as at the start. The right one again mends it."""
        name, prefix = "changed", "changed."
        self.make_pipeline_of(name, missing=())
        validator = self.start(name, **self.of(name))
        if not kafka.wait_until(lambda: self.committed(prefix) == self.images, READY_SECONDS):
            self.checks.tell(False, f"right password, nothing done {self.trouble(validator)}")
            return
        self.secured.set_password(name, WRONG_PASSWORD)
        self.secured.restart()
        self.await_outcomes({validator: "uthentication"})
        self.check_refusal(validator, "uthentication")
        self.secured.set_password(name, self.secured.passwords[name])
        self.ingest(prefix)

        def all_done():
            return self.committed(prefix) == 2 * self.images
        # It may have been refused just before, and end with what its last attempt was told.
        kafka.wait_until(lambda: all_done() or validator.exit_code() is not None, READY_SECONDS)
        if validator.exit_code() is not None:
            validator = self.start(f"{name}-back", INSTANCE=f"validator-{name}", **self.of(name))
            kafka.wait_until(all_done, READY_SECONDS)
        outcomes = self.outcomes(prefix)
        self.checks.tell(len(outcomes) == len(set(outcomes)) == 2 * self.images,
                         f"the right password again: {len(outcomes)} outcomes of "
                         f"{len(set(outcomes))} arrivals {self.trouble(validator)}")

    # -- secrets --

    def no_secret_anywhere(self):
        outputs = self.checks.outputs + [validator.text() for validator in self.validators]
        outputs += [page for validator in self.validators for page in validator.pages]
        secrets = [WRONG_PASSWORD, *self.secured.passwords.values()]
        shown = [secret for secret in secrets if any(secret in text for text in outputs)]
        size = sum(map(len, outputs))
        self.checks.tell(not shown, f"none of {len(secrets)} passwords in {size} characters of "
                         f"output, log and HTTP answers {re.sub('.', '*', ''.join(shown))}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin_dir")
    parser.add_argument("spec")
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--keep", type=pathlib.Path, help="work here, and leave everything")
    args = parser.parse_args()
    kafka_secured.run_and_exit(Test, args, "secured")


if __name__ == "__main__":
    main()
