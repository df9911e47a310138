"""What is in the root of an image: packages by the record that scanners read, files, libraries."""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

LOADER = "/lib64/ld-linux-x86-64.so.2"


def real_path(root, path):
    """Of a path within `root`, whose absolute links lead to places within `root`."""
    done = "/"
    parts = [part for part in path.split("/") if part]
    while parts:
        here = os.path.normpath(os.path.join(done, parts.pop(0)))
        if os.path.islink(f"{root}{here}"):
            target = os.readlink(f"{root}{here}")
            done = "/" if target.startswith("/") else done
            parts = [part for part in target.split("/") if part] + parts
        else:
            done = here
    return done


def linked_libraries(root, program):
    """Of a program within `root`, as its own loader finds them there; missing ones as they are
    named."""
    done = subprocess.run(["env", "--ignore-environment", shutil.which("chroot"), root, LOADER,
                           "--list", program], capture_output=True, text=True, check=False)
    listed = done.stdout if done.returncode == 0 else done.stderr
    return [real_path(root, found) if found.startswith("/") else line.strip()
            for line in listed.splitlines() if "linux-vdso" not in line
            for found in [line.split("=>")[-1].split("(")[0].strip()]]


class Packages:
    """var/lib/dpkg/status.d of a root."""

    def __init__(self, root):
        place = pathlib.Path(root) / "var/lib/dpkg/status.d"
        self.versions = {}
        self.owner = {}
        self.md5 = {}
        for path in sorted(place.iterdir()):
            if path.suffix == ".md5sums":
                self._read_sums(root, path)
            else:
                self._read_record(path)

    def _read_record(self, path):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", path.read_text(), re.MULTILINE))
        self.versions[fields["Package"]] = fields["Version"]

    def _read_sums(self, root, path):
        for line in path.read_text().splitlines():
            md5, name = line.split(None, 1)
            name = real_path(root, f"/{name}")
            self.owner[name] = path.stem
            self.md5[name] = md5


def changed_files(root, packages):
    """Files that are not as their package made them."""
    return [name for name, md5 in packages.md5.items()
            if hashlib.md5(pathlib.Path(f"{root}{name}").read_bytes()).hexdigest() != md5]


def files_of(root):
    return [path for path in pathlib.Path(root).rglob("*") if not path.is_dir()]


def has_sections(path, name):
    listed = subprocess.run(["readelf", "--sections", "--wide", path], capture_output=True,
                            text=True, check=True).stdout
    return name in listed
