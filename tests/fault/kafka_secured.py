"""A broker as clusters are run: one listener for clients that speaks TLS with a certificate of its
own authority, SCRAM users, and rights by ACL. What nobody was allowed is denied.

The plain listeners of the broker stay, for the broker itself and for the auditor (`kafka_wire`),
who is its super user. Formats: https://kafka.apache.org/protocol (3.9).
"""
import base64
import hashlib
import hmac
import os
import pathlib
import secrets
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile

import broker as kafka
import kafka_wire

SASL_HANDSHAKE, SASL_AUTHENTICATE, CREATE_ACLS, ALTER_USER_SCRAM_CREDENTIALS = 17, 36, 30, 51
SCRAM_SHA_256, ITERATIONS = 1, 4096
ALLOW = 3
LITERAL, PREFIXED = 3, 4
RESOURCES = {"topic": 2, "group": 3, "cluster": 4, "transactional id": 5}
OPERATIONS = {"read": 3, "write": 4, "create": 5, "describe": 8, "describe configs": 10}


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"openssl {arguments[0]}: {done.stderr.strip()}")


EC_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def make_authority(folder, name):
    """folder/NAME.pem with its key beside it."""
    certificate = folder / f"{name}.pem"
    openssl("req", "-x509", *EC_KEY, "-keyout", folder / f"{name}.key", "-out", certificate,
            "-days", 2, "-subj", f"/CN={name}")
    return certificate


def make_keystore(folder, authority, host):
    """Key and certificate of `host`, signed by the authority, in one PEM file for the broker."""
    key, request, signed = (folder / f"server.{end}" for end in ("key", "csr", "crt"))
    openssl("req", *EC_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={host}",
            "-addext", f"subjectAltName=DNS:{host}")
    openssl("x509", "-req", "-in", request, "-CA", authority,
            "-CAkey", authority.with_suffix(".key"), "-CAcreateserial",
            "-copy_extensions", "copy", "-days", 2, "-out", signed)
    keystore = folder / "server.pem"
    keystore.write_text(key.read_text() + signed.read_text())
    keystore.chmod(0o600)
    return keystore


class SecuredBroker:
    """In `directory`, with its certificates; not thread-safe."""

    HOST = "localhost"  # what the certificate says; 127.0.0.1 is another name

    def __init__(self, directory, jvm=()):
        directory.mkdir(parents=True)
        self.directory = directory
        self.authority = make_authority(directory, "authority")
        self.stranger = make_authority(directory, "stranger")
        self._keystore = make_keystore(directory, self.authority, self.HOST)
        self._broker = kafka.Broker(directory / "broker")
        self.port = kafka.free_port()
        self._jvm = jvm
        self._ports = None
        self.passwords = {}
        self.auditor = None

    @property
    def brokers(self):
        return f"{self.HOST}:{self.port}"

    def start(self):
        ports = self._ports = self._ports or self._choose_ports()
        bootstrap = self._broker.start(test=True, heap="384m", settings=self._settings(*ports),
                                       jvm=self._jvm)
        self.auditor = kafka_wire.Connection(bootstrap)

    def stop(self):
        if self._broker.pid():
            self._broker.stop()

    def restart(self):
        """Every client has to show its password again."""
        self._broker.kill()
        # The killed process can be seen as dead a moment before its sockets are closed.
        kafka.wait_until(lambda: all(map(kafka.is_free, (*self._ports, self.port))), 10)
        self.auditor.close()
        self.start()

    def _choose_ports(self):
        """Beforehand, since `listeners` names them; the broker finds those of its last start."""
        ports = [kafka.free_port(), kafka.free_port()]
        self._broker.directory.mkdir(parents=True)
        (self._broker.directory / "ports").write_text(" ".join(map(str, ports)) + "\n")
        return ports

    def _settings(self, plain, controller):
        plain, controller = (f"127.0.0.1:{port}" for port in (plain, controller))
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        return {
            "listeners": f"PLAINTEXT://{plain},CONTROLLER://{controller},"
                         f"CLIENT://127.0.0.1:{self.port}",
            "advertised.listeners": f"PLAINTEXT://{plain},CLIENT://{self.brokers}",
            "listener.security.protocol.map":
                "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CLIENT:SASL_SSL",
            "sasl.enabled.mechanisms": "SCRAM-SHA-256",
            "listener.name.client.scram-sha-256.sasl.jaas.config": scram,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._keystore),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }

    @property
    def log(self):
        return self._broker.directory / "broker.log"

    @property
    def plain(self):
        """Where the super user comes in."""
        return self._broker.bootstrap

    # -- users and rights --

    def add_user(self, name):
        """With a password of its own, which is also in a file: passwords/NAME."""
        self.passwords[name] = secrets.token_hex(12)
        self.write_secret(name, self.passwords[name])
        self.set_password(name, self.passwords[name])

    def set_password(self, name, password):
        """What the broker asks for from the user's next connection on."""
        salt = os.urandom(16)
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
        text, blob = kafka_wire.compact_text, self._compact_bytes
        upsertion = (text(name) + struct.pack(">bi", SCRAM_SHA_256, ITERATIONS) + blob(salt)
                     + blob(salted) + b"\0")
        answer = self.auditor.ask(
            ALTER_USER_SCRAM_CREDENTIALS, 0, kafka_wire.compact_list_of([])
            + kafka_wire.compact_list_of([upsertion]) + b"\0", flexible=True)
        answer.number("i")
        answer.unsigned_varint()
        answer.compact_text()
        kafka_wire.require(answer.number("h"), f"password of {name}")

    @staticmethod
    def _compact_bytes(value):
        return kafka_wire.unsigned_varint(len(value) + 1) + value

    def write_secret(self, name, password):
        file = self.directory / "passwords" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(password + "\n")
        file.chmod(0o600)
        return file

    def password_file(self, name):
        return self.directory / "passwords" / name

    def allow(self, user, rights):
        """Rights: (resource, name, operation ...); a name with * at its end: all that begin so."""
        creations = []
        for resource, name, *operations in rights:
            pattern = PREFIXED if name != "*" and name.endswith("*") else LITERAL
            name = name[:-1] if pattern == PREFIXED else name
            creations += [
                struct.pack(">b", RESOURCES[resource]) + kafka_wire.text(name)
                + struct.pack(">b", pattern) + kafka_wire.text(f"User:{user}")
                + kafka_wire.text("*") + struct.pack(">bb", OPERATIONS[operation], ALLOW)
                for operation in operations]
        answer = self.auditor.ask(CREATE_ACLS, 1, kafka_wire.list_of(creations))
        answer.number("i")
        for code, why in answer.list_of(lambda: (answer.number("h"), answer.text())):
            kafka_wire.require(code, f"rights of {user}: {why}")


class UserConnection(kafka_wire.Connection):
    """Over TLS, as a user: RFC 5802 with SHA-256, without a username that needs escaping."""

    def __init__(self, secured, user):
        super().__init__(secured.brokers)
        self._secured = secured
        self._user = user

    def ask(self, api, version, body, flexible=False):
        if self.socket is None:
            trust = ssl.create_default_context(cafile=self._secured.authority)
            plain = socket.create_connection(("127.0.0.1", self.address[1]), timeout=self.seconds)
            self.socket = trust.wrap_socket(plain, server_hostname=SecuredBroker.HOST)
            self._authenticate()
        return super().ask(api, version, body, flexible)

    def _authenticate(self):
        answer = super().ask(SASL_HANDSHAKE, 1, kafka_wire.text("SCRAM-SHA-256"))
        kafka_wire.require(answer.number("h"), "handshake")
        first = f"n={self._user},r={secrets.token_hex(12)}"
        offered = self._say(f"n,,{first}")
        fields = dict(field.split("=", 1) for field in offered.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", self._secured.passwords[self._user].encode(),
                                     base64.b64decode(fields["s"]), int(fields["i"]))
        final = f"c=biws,r={fields['r']}"
        key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(key).digest(),
                                f"{first},{offered},{final}".encode(), "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature))
        self._say(f"{final},p={base64.b64encode(proof).decode()}")

    def _say(self, words):
        answer = super().ask(SASL_AUTHENTICATE, 0,
                             struct.pack(">i", len(words)) + words.encode())
        code, why = answer.number("h"), answer.text()
        kafka_wire.require(code, f"authentication of {self._user}: {why}")
        return answer.take(answer.number("i")).decode()

    def allowed_on(self, topics):
        """By topic, the names of the operations the broker would let this user do."""
        body = kafka_wire.list_of(list(map(kafka_wire.text, topics))) + b"\0\0\1"
        answer = self.ask(kafka_wire.METADATA, 8, body)
        answer.number("i")
        answer.list_of(lambda: (answer.number("i"), answer.text(), answer.number("i"),
                                answer.text()))
        answer.text()
        answer.number("i")

        def partition():
            answer.take(14)
            for _ in range(3):
                answer.list_of(lambda: answer.number("i"))

        def topic():
            answer.number("h")  # 29 for one it may not even see: then the bits are not set
            name = answer.text()
            answer.number("b")
            answer.list_of(partition)
            bits = answer.number("i")
            return name, {operation for operation, bit in OPERATIONS.items()
                          if bits >= 0 and bits >> bit & 1}
        return dict(answer.list_of(topic))


def run_and_exit(test, args, name):
    """test(args, folder).run() in a folder of its own, or in args.keep, which stays; 77 (skipped)
    without a broker or openssl."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # stops what was started
    if not (kafka.INSTALLED / "lib").is_dir() or not shutil.which("openssl"):
        print("needs a broker (deploy/kafka/install) and openssl")
        sys.exit(77)
    if args.keep:
        shutil.rmtree(args.keep, ignore_errors=True)
        args.keep.mkdir(parents=True)
        sys.exit(test(args, args.keep.resolve()).run())
    with tempfile.TemporaryDirectory(prefix=f"winnow-{name}-") as scratch:
        sys.exit(test(args, pathlib.Path(scratch)).run())
