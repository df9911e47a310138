"""A Debian 12 of its own, with its own systemd: a copy of tests/base in a container of the kernel's,
without an engine. It shares this machine's network and nothing else."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PROXIES = [name for name in os.environ if re.fullmatch(r"(?i)(https?|ftp|all|no)_proxy", name)]


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def wait_until(condition, seconds, what):
    """The first true value of `condition`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)


class Machine:
    """Downloaded packages are kept in `cache`, so that a second one needs no network."""

    def __init__(self, cache):
        base = subprocess.run([REPOSITORY / "tests/base/make"], capture_output=True, text=True,
                              check=False)
        if base.returncode == 77:
            skip(base.stderr.strip())
        base.check_returncode()
        self.cache = pathlib.Path(cache)
        self.cache.mkdir(parents=True, exist_ok=True)
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="machine-", dir=self.cache.parent))
        self.container = None
        self.leader = None
        subprocess.run(["cp", "-a", f"{base.stdout.strip()}/.", self.root], check=True)

    def delete(self):
        self.power_off()
        shutil.rmtree(self.root, ignore_errors=True)

    # -- before it is started --

    def _nspawn(self, *options):
        names = [f"--setenv={name}={os.environ[name]}" for name in PROXIES]
        return ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--timezone=off",
                "--resolv-conf=copy-host", f"--directory={self.root}",
                f"--bind={self.cache}:/var/cache/apt/archives", *names, *options]

    def can_be_started(self):
        return subprocess.run(self._nspawn("true"), capture_output=True, check=False,
                              stdin=subprocess.DEVNULL).returncode == 0

    def install(self, *packages):
        """With apt-get. Package lists are refreshed only if a package is not to be had with those
        there are."""
        command = ["apt-get", "install", "-q", "-y", "--no-install-recommends",
                   "-o", "Dpkg::Options::=--force-unsafe-io", "-o", "APT::Keep-Downloaded-Packages=1",
                   *packages]
        words = self._nspawn("--setenv=DEBIAN_FRONTEND=noninteractive", "--console=pipe")
        for attempt in (command, ["sh", "-c", 'apt-get update -q && exec "$@"', "sh", *command]):
            done = subprocess.run(words + attempt, capture_output=True, text=True, check=False,
                                  stdin=subprocess.DEVNULL)
            if done.returncode == 0:
                return done.stdout
        raise AssertionError(f"apt-get install {packages}:\n{done.stdout}\n{done.stderr}")

    # -- running --

    def start(self):
        self.container = subprocess.Popen(self._nspawn("--boot", "--console=pipe"),
                                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL)
        self.leader = wait_until(self._find_leader, 30, "systemd of the container")
        wait_until(lambda: self.run("systemctl", "is-active", "multi-user.target",
                                    check=False).returncode == 0, 60, "multi-user.target")

    def _find_leader(self):
        children = pathlib.Path(f"/proc/{self.container.pid}/task/{self.container.pid}/children")
        for pid in children.read_text().split():
            if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "systemd":
                return int(pid)
        return None

    def power_off(self):
        if self.container is None:
            return
        if self.leader:
            os.kill(self.leader, signal.SIGKILL)  # and everything in it
        self.container.wait(30)
        self.container = None

    def run(self, *command, user=None, check=True):
        """In the running machine, as root or `user`."""
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        done = subprocess.run(
            ["nsenter", f"--target={self.leader}", "--all", "env", "--ignore-environment",
             "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
             "DEBIAN_FRONTEND=noninteractive", *as_user, *map(str, command)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=180)
        if check and done.returncode:
            raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}\n"
                                 f"{done.stderr}")
        return done

    def says(self, *command, **options):
        return self.run(*command, **options).stdout.strip()

    def unit(self, name, *properties):
        """{"SubState": "running"} ... as systemd has it."""
        text = self.says("systemctl", "show", name, "--property", ",".join(properties))
        return dict(line.split("=", 1) for line in text.splitlines())

    def path(self, inside):
        return self.root / str(inside).lstrip("/")
