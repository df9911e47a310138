"""Images of this checkout, built by deploy/image/build with buildah in storage of their own below
build/image, on the bare Debian of tests/base. As root; needs no daemon and nobody's registry."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PLACE = REPOSITORY / "build/image"
STAGES = ("validator", "privacy-blurrer", "deduper", "balancer", "sink")
IMAGES = (*STAGES, "winnow")
STORAGE = """[storage]
driver = "overlay"
graphroot = "{place}/storage"
runroot = "{place}/run"
"""
TOO_LARGE = 8e9  # bytes of storage: layers of sources that are no more


def skip(reason):
    print(reason)
    sys.exit(77)


def require_means():
    if os.geteuid() != 0:
        skip("images are built and run without an engine here: that needs root")
    for tool, package in (("buildah", "image.txt"), ("debootstrap", "image.txt"),
                          ("ccache", "build.txt"), ("readelf", "build.txt")):
        if not shutil.which(tool):
            skip(f"no {tool} here: deploy/packages/install {package}")


def environment():
    """Everything buildah writes goes below build/: layers, downloads, temporary files."""
    (PLACE / "tmp").mkdir(parents=True, exist_ok=True)
    (PLACE / "storage.conf").write_text(STORAGE.format(place=PLACE))
    return {**os.environ, "CONTAINERS_STORAGE_CONF": str(PLACE / "storage.conf"),
            "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(PLACE / "tmp"), "REVISION": "tested"}


def buildah(*words):
    done = subprocess.run(["buildah", *map(str, words)], env=environment(), text=True, check=False,
                          stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode:
        sys.exit(f"buildah {' '.join(map(str, words))}: {done.stderr.strip()}")
    return done.stdout.strip()


def share_ccache():
    """The compiler's cache of this machine is the cache mount of the Dockerfile."""
    cache = subprocess.run(["ccache", "--get-config", "cache_dir"], capture_output=True, text=True,
                           check=True).stdout.strip()
    pathlib.Path(cache).mkdir(parents=True, exist_ok=True)
    mount = PLACE / "tmp/buildah-cache/ccache"
    mount.parent.mkdir(parents=True, exist_ok=True)
    if mount.is_symlink():
        mount.unlink()
    mount.symlink_to(cache)


def base_image():
    made = subprocess.run([REPOSITORY / "tests/base/make"], text=True, check=False,
                          stdout=subprocess.PIPE)
    if made.returncode:
        sys.exit(made.returncode)
    folder = pathlib.Path(made.stdout.strip())
    name = f"localhost/winnow-base:{int(folder.stat().st_mtime)}"
    if name not in buildah("images", "--format", "{{.Name}}:{{.Tag}}").splitlines():
        container = buildah("from", "scratch")
        buildah("copy", "--quiet", container, folder, "/")
        buildah("commit", "--quiet", "--rm", container, name)
    return name


def make_room():
    used = sum(int(line.split()[0]) for line in subprocess.run(
        ["du", "--summarize", "--bytes", PLACE / "storage"], capture_output=True, text=True,
        check=False).stdout.splitlines())
    if used > TOO_LARGE:
        print(f"{used / 1e9:.1f} GB of layers: beginning anew")
        buildah("rm", "--all")
        buildah("rmi", "--all", "--force")


def build():
    """All images; what deploy/image/build prints."""
    make_room()
    share_ccache()
    command = [REPOSITORY / "deploy/image/build", "--engine", "buildah", "--base", base_image(),
               "--registry", "localhost", "--version", "tested", "--"]
    # ccache tells compilations of one language from those of another.
    command += [f"--build-arg=LANG={os.environ['LANG']}"] if "LANG" in os.environ else []
    done = subprocess.run(command, env=environment(), text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    (PLACE / "build.log").write_text(done.stdout)
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-30:])
        sys.exit(f"{tail}\nimages were not built, see {PLACE}/build.log")
    return done.stdout


class Image:
    """A built image, its root mounted as a container's would be. Use as a context."""

    def __init__(self, name):
        self.name = name
        self.program = name if name == "winnow" else f"winnow-{name}"
        self._reference = f"localhost/{self.program}:tested"

    def __enter__(self):
        self._container = buildah("from", "--pull-never", self._reference)
        self.root = pathlib.Path(buildah("mount", self._container))
        inspected = json.loads(buildah("inspect", "--type", "image", self._reference))
        self.config = inspected["Docker"]["config"]
        return self

    def __exit__(self, *_):
        buildah("umount", self._container)
        buildah("rm", self._container)

    @property
    def command(self):
        """What an engine runs that is told nothing else."""
        return self.config["Entrypoint"] + self.config["Cmd"]
