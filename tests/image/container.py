"""Runs a program of an image as an engine told --read-only --cap-drop ALL --user 10001
--security-opt no-new-privileges does: in a mount namespace of its own, the host's network."""
import pathlib
import signal
import subprocess

ENTER = """
root=$1; shift
mount --bind "$root" "$root"
environment=()
while [[ $1 != -- ]]; do
  case $1 in
    *=*) environment+=("$1") ;;
    *)  # HOST:PLACE:ro or HOST:PLACE:rw
      IFS=: read -r source place mode <<<"$1"
      mount --bind "$source" "$root$place"
      if [[ $mode == ro ]]; then mount -o remount,bind,ro "$root$place"; fi ;;
  esac
  shift
done
shift
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
cd /
exec setpriv --no-new-privs env --ignore-environment "${environment[@]}" \
  "$(command -v chroot)" --userspec=10001:10001 "$root" "$@"
"""


class Volume:
    def __init__(self, source, place, mode="ro"):
        self.source, self.place, self.mode = pathlib.Path(source), place, mode

    def prepare(self, root):
        """An engine makes the place where something is mounted."""
        place = pathlib.Path(f"{root}{self.place}")
        place.parent.mkdir(parents=True, exist_ok=True)
        if self.source.is_dir():
            place.mkdir(exist_ok=True)
        else:
            place.touch()

    def __str__(self):
        return f"{self.source}:{self.place}:{self.mode}"


class Container:
    """One container of an image: the same volumes and environment for all it runs."""

    def __init__(self, image, volumes, environment=None):
        self.image = image
        self.volumes = volumes
        self.environment = {**dict(entry.split("=", 1) for entry in image.config["Env"]),
                            **(environment or {})}
        for volume in volumes:
            volume.prepare(image.root)

    def _command(self, arguments):
        return ["unshare", "--mount", "bash", "-euc", ENTER, "enter", str(self.image.root),
                *map(str, self.volumes),
                *(f"{name}={value}" for name, value in self.environment.items()), "--", *arguments]

    def start(self, arguments, log):
        """In the background; the process is the program itself: all before it are exec'ed."""
        with open(log, "ab") as file:
            return subprocess.Popen(self._command(arguments), stdin=subprocess.DEVNULL,
                                    stdout=file, stderr=file)

    def run(self, *arguments, seconds=120):
        return subprocess.run(self._command([*self.image.config["Entrypoint"],
                                             *map(str, arguments)]),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=seconds, check=False)

    def is_healthy(self):
        """What an engine concludes from the image's HEALTHCHECK; its output."""
        kind, *command = self.image.config["Healthcheck"]["Test"]
        assert kind == "CMD", kind
        done = subprocess.run(self._command(command), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=30, check=False)
        return done.returncode == 0, (done.stdout + done.stderr).strip()


def status_of(process):
    """Fields of /proc/PID/status: Uid, CapEff, NoNewPrivs ..."""
    lines = pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def writable_mounts(process):
    """Where the process might write, if the files' rights let it."""
    lines = pathlib.Path(f"/proc/{process.pid}/mountinfo").read_text().splitlines()
    mounts = [line.split() for line in lines]
    return {fields[4] for fields in mounts if "rw" in fields[5].split(",")}


def stop(process, seconds):
    """SIGTERM, and the exit code it ends with in time."""
    process.send_signal(signal.SIGTERM)
    return process.wait(seconds)
