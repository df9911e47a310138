"""Fails, naming file and line, where the tree breaks the architecture declared in layers.txt.

    check_layers.py ROOT        # the repository, or anything laid out like it

Checks: arrows between rooms, third-party headers outside their rooms or visible to other rooms,
includes that are not relative to the root, tests that no CMakeLists.txt builds, and strangers in
the root directory. Standard library only. Exit code 0, 1 (violations, on stdout) or 2 (usage).
"""

import dataclasses
import fnmatch
import pathlib
import posixpath
import re
import sys

TREES = ("libs", "services", "tests")
SOURCES = {".h", ".hh", ".hpp", ".inc", ".in", ".cc", ".cpp", ".cxx", ".c"}
HEADERS = {".h", ".hh", ".hpp", ".inc"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>|(\S.*))')
TEST_STEM = re.compile(r"_(test|benchmark|eval|fuzzer)$")
MUST_BE_BUILT = re.compile(r"_(test|benchmark|fuzzer)\.cc$")


@dataclasses.dataclass(frozen=True)
class Include:
    file: str  # as all paths here: relative to the root, with '/'
    line: int
    target: str
    quoted: bool


@dataclasses.dataclass
class Rules:
    rooms: dict  # pattern -> list of patterns, '-' in front takes out
    libraries: dict  # beginning of a header -> rooms
    root: set


def read_rules(path):
    rules = Rules({}, {}, set())
    section = None
    for raw in path.read_text().splitlines():
        line = raw.split("#")[0].strip()
        if line.startswith("["):
            section = line.strip("[]")
        elif line and section == "root":
            rules.root.update(line.split())
        elif line:
            name, _, rest = line.partition(":")
            getattr(rules, section)[name.strip()] = rest.split()
    return rules


def room_of(path):
    return "/".join(path.split("/")[:2])


def matches(room, patterns):
    if any(p[0] == "-" and fnmatch.fnmatchcase(room, p[1:]) for p in patterns):
        return False
    return any(fnmatch.fnmatchcase(room, p) for p in patterns)


class Tree:
    def __init__(self, root, rules):
        self.root = pathlib.Path(root)
        self.rules = rules
        self.files = self._files()
        self.includes = [i for f in self.files for i in self._includes_of(f)]
        self.test_code = self._test_code()
        self.problems = []

    def _files(self):
        found = []
        for tree in TREES:
            for path in sorted((self.root / tree).rglob("*")):
                if path.is_file() and path.suffix in SOURCES and "__pycache__" not in path.parts:
                    found.append(path.relative_to(self.root).as_posix())
        return found

    def _includes_of(self, file):
        text = (self.root / file).read_text(errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            match = INCLUDE.match(line)
            if match:
                target = match[1] or match[2] or match[3]
                yield Include(file, number, target, match[2] is None)

    def _test_code(self):
        """Tests by name, all of tests/ and libs/testing, and headers that only test code includes
        (with the .cc of the same name)."""
        tests = {
            f for f in self.files
            if TEST_STEM.search(pathlib.PurePosixPath(f).stem)
            or f.startswith("tests/") or room_of(f) == "libs/testing"
        }
        includers = {}
        for include in self.includes:
            # Its own .cc does not make a helper part of the product.
            if posixpath.splitext(include.file)[0] != posixpath.splitext(include.target)[0]:
                includers.setdefault(include.target, set()).add(include.file)
        grown = True
        while grown:
            new = {t for t, users in includers.items()
                   if t in self.files and t not in tests and users <= tests}
            stems = {posixpath.splitext(t)[0] for t in new}
            new |= {f for f in self.files if posixpath.splitext(f)[0] in stems} - tests
            tests |= new
            grown = bool(new)
        return tests

    def report(self, file, line, message):
        self.problems.append(f"{file}:{line}: {message}" if line else f"{file}: {message}")

    # ---- checks ----

    def check_includes(self):
        for include in self.includes:
            if include.target.split("/")[0] in TREES:
                self._check_arrow(include)
            elif include.quoted and not include.target.startswith("winnow/v1/"):
                self.report(include.file, include.line,
                            f'"{include.target}" is not a path from the root: '
                            'write "libs/...", "services/..." or "tests/..."')
            else:
                self._check_library(include)

    def _check_arrow(self, include):
        room, target = room_of(include.file), room_of(include.target)
        if posixpath.normpath(include.target) != include.target:
            self.report(include.file, include.line, f"write the path {include.target} without dots")
        elif room != target and not self._may_include(include.file, room, target):
            self.report(include.file, include.line,
                        f"{room} must not include {target} ({include.target})")

    def _may_include(self, file, room, target):
        if target == "libs/testing" and file in self.test_code:
            return True
        return any(matches(target, allowed) for pattern, allowed in self.rules.rooms.items()
                   if fnmatch.fnmatchcase(room, pattern))

    def _check_library(self, include):
        library = self._library_of(include.target)
        if library is None or include.file in self.test_code:
            return
        rooms = self.rules.libraries[library]
        if not matches(room_of(include.file), rooms):
            self.report(include.file, include.line,
                        f"{include.target} belongs to {' '.join(rooms) or 'no room'}: "
                        "go through that room")

    def _library_of(self, header):
        return next((l for l in self.rules.libraries if header.startswith(l)), None)

    def check_exposed_headers(self):
        """A header that another room includes must not bring a library with it."""
        by_file = {}
        for include in self.includes:
            by_file.setdefault(include.file, []).append(include)
        told = set()
        for entry in self.includes:
            if room_of(entry.target) == room_of(entry.file) or entry.file in self.test_code:
                continue
            for chain in self._reached(entry.target, by_file):
                library = chain[-1]
                key = (chain[0].file, library.file, library.target)
                if key not in told:
                    told.add(key)
                    self.report(library.file, library.line,
                                f"{library.target} reaches other rooms through {entry.target}, "
                                f"which {entry.file} includes: keep it in a .cc file")

    def _reached(self, header, by_file):
        """Chains of includes from the header to a third-party header."""
        stack, seen = [(header, [])], {header}
        while stack:
            file, chain = stack.pop()
            for include in by_file.get(file, []):
                if self._library_of(include.target) is not None:
                    yield chain + [include]
                elif include.target not in seen:
                    seen.add(include.target)
                    stack.append((include.target, chain + [include]))

    def check_rooms(self):
        for room in sorted({room_of(f) for f in self.files if f.count("/") > 1}):
            if not any(fnmatch.fnmatchcase(room, p) for p in self.rules.rooms):
                self.report(room, 0, "this room is not in layers.txt: say what it may include")
        for cycle in self._cycles():
            self.report("layers.txt", 0, "arrows run in a circle: " + " -> ".join(cycle))

    def _cycles(self):
        rooms = [r for r in self.rules.rooms if "*" not in r]
        arrows = {r: [t for t in rooms if t != r and matches(t, self.rules.rooms[r])]
                  for r in rooms}
        done, path, cycles = set(), [], []

        def visit(room):
            if room in path:
                cycles.append(path[path.index(room):] + [room])
            elif room not in done:
                path.append(room)
                for target in arrows[room]:
                    visit(target)
                path.pop()
                done.add(room)

        for room in rooms:
            visit(room)
        return cycles

    def check_tests_are_built(self):
        for file in self.files:
            if MUST_BE_BUILT.search(file) and not self._is_listed(file):
                self.report(file, 0, "no CMakeLists.txt lists it, so it never runs")

    def _is_listed(self, file):
        name = posixpath.basename(file)
        listed = re.compile(r"(?:^|[\s/(\"])" + re.escape(name) + r"(?:$|[\s)\"])", re.M)
        directory = (self.root / file).parent
        while True:
            lists = directory / "CMakeLists.txt"
            if lists.is_file():
                commands = re.sub(r"#.*", "", lists.read_text())
                if listed.search(commands):
                    return True
            if directory == self.root:
                return False
            directory = directory.parent

    def check_root(self):
        ignore = self.root / ".gitignore"
        ignored = [line.strip("/") for line in
                   (ignore.read_text().split() if ignore.is_file() else [])]
        for entry in sorted(p.name for p in self.root.iterdir()):
            known = entry.startswith(".") or entry in self.rules.root
            if not known and not any(fnmatch.fnmatchcase(entry, p) for p in ignored):
                self.report(entry, 0, "does not belong in the root: move it into a room")

    def check(self):
        self.check_includes()
        self.check_exposed_headers()
        self.check_rooms()
        self.check_tests_are_built()
        self.check_root()
        return sorted(self.problems)


def main(arguments):
    if len(arguments) != 1 or not pathlib.Path(arguments[0]).is_dir():
        print(__doc__, file=sys.stderr)
        return 2
    tree = Tree(arguments[0], read_rules(pathlib.Path(__file__).with_name("layers.txt")))
    if not tree.includes:
        print(f"{arguments[0]}: no sources found under {', '.join(TREES)}")
        return 1
    problems = tree.check()
    in_order = f"{len(tree.files)} files, {len(tree.includes)} includes: in order"
    print("\n".join(problems) or in_order)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
