#!/usr/bin/env python3
"""Side by side on the same files: Winnow's fingerprint, imagededup's PHash and DHash.

usage: compare_with_imagededup.py REPORT.json [--json FILE] [--strict]

REPORT.json is what `winnow eval duplicates --json` wrote; the pictures must still be where it says.
imagededup runs as published, at its default threshold of 10 of 64 bits. Recall: share of the
labelled pairs of copies that are found; precision: share of the found pairs that are copies. Winnow's
fingerprints are also held against the published PDQ program (pdqhash).

--strict: exit status 1 unless every fingerprint is within PDQ's rule (quality 80 and more: at most 10
bits from the published program) and every mere re-encoding of the ladder is found. Exit status 77: the
packages are not installed.
"""
import argparse
import importlib
import importlib.util
import itertools
import json
import logging
import pathlib
import sys
import types
import warnings

SKIPPED = 77
THRESHOLD = 10  # imagededup's default
REENCODINGS = ("png", "jpeg", "webp", "grey")

try:
    import numpy
    import pdqhash
    import PIL.Image
    import PIL.ImageOps
    imagededup = importlib.util.find_spec("imagededup")
except ImportError as error:
    imagededup = None
if imagededup is None:
    print("SKIPPED: install tests/eval/requirements.txt")
    sys.exit(SKIPPED)


def load_hashing():
    """imagededup.methods.hashing, without what its packages import for the CNN and for plots."""
    root = pathlib.Path(list(imagededup.submodule_search_locations)[0])
    for name in ("methods", "utils"):
        package = types.ModuleType(f"imagededup.{name}")
        package.__path__ = [str(root / name)]
        sys.modules[package.__name__] = package
    pairwise = types.ModuleType("sklearn.metrics.pairwise")
    pairwise.cosine_similarity = None  # of CNN encodings
    for module in ("sklearn", "sklearn.metrics"):
        sys.modules.setdefault(module, types.ModuleType(module))
    sys.modules.setdefault(pairwise.__name__, pairwise)
    return importlib.import_module("imagededup.methods.hashing")


class Method:
    """One of imagededup's hashes, with its own search."""

    def __init__(self, hashing, name):
        self.name = name.lower()
        self.hasher = getattr(hashing, name)(verbose=False)

    def found_pairs(self, files):
        """Pairs of indices into `files` that it takes for copies."""
        hashes = {}
        for index, file in enumerate(files):
            code = self.hasher.encode_image(image_file=file)
            if code is not None:
                hashes[str(index)] = code
        if not hashes:
            return set()
        found = self.hasher.find_duplicates(encoding_map=hashes, max_distance_threshold=THRESHOLD,
                                            num_dist_workers=0)
        return {tuple(sorted((int(a), int(b)))) for a, others in found.items() for b in others}


class Truth:
    """Which pairs of a set are copies, which are not, and which nobody labelled."""

    def __init__(self, report):
        self.pictures = report["pictures"]
        index = {picture["file"]: i for i, picture in enumerate(self.pictures)}
        self.labelled = {tuple(sorted((index[pair["a"]], index[pair["b"]]))): pair["copies"]
                         for pair in report["pairs"]}

    def are_copies(self, pair):
        """True, False, or None where nobody said."""
        if self.labelled:
            return self.labelled.get(pair)
        a, b = pair
        return self.pictures[a]["group"] == self.pictures[b]["group"]

    def copies(self):
        pairs = self.labelled or itertools.combinations(range(len(self.pictures)), 2)
        return {pair for pair in pairs if self.are_copies(pair)}


def ratio(part, whole):
    return part / whole if whole else None


def score(found, truth, copies):
    right = len(found & copies)
    wrong = sum(truth.are_copies(pair) is False for pair in found)
    return {"recall": ratio(right, len(copies)), "precision": ratio(right, right + wrong),
            "wrong": wrong}


def recall_by_transform(found, report):
    """{(transform, strength): recall} of originals against their own copies."""
    pictures = report["pictures"]
    originals = {p["group"]: i for i, p in enumerate(pictures) if p["original"]}
    counts = {}
    for i, picture in enumerate(pictures):
        if picture["original"] or not picture["transform"]:
            continue
        key = (picture["transform"], picture["strength"])
        hit = tuple(sorted((originals[picture["group"]], i))) in found
        right, all_ = counts.get(key, (0, 0))
        counts[key] = (right + hit, all_ + 1)
    return {key: right / all_ for key, (right, all_) in counts.items()}


def winnow_scores(scores):
    return {key: scores[key] for key in ("recall", "precision", "wrong")}


def compare_set(report, methods):
    folder = pathlib.Path(report["folder"])
    files = [folder / picture["file"] for picture in report["pictures"]]
    truth = Truth(report)
    copies = truth.copies()
    assert len(copies) == report["scores"]["copies"]["pairs"], "the two count other pairs"
    row = {"set": report["name"], "views": report["views"], "copies": len(copies),
           "pdq": winnow_scores(report["scores"])}
    transforms = {(t["transform"], t["strength"]): {"pdq": t["scores"]["recall"]}
                  for t in report["transforms"]}
    for method in methods:
        found = method.found_pairs(files)
        row[method.name] = score(found, truth, copies)
        for key, recall in recall_by_transform(found, report).items():
            transforms[key][method.name] = recall
    row["transforms"] = [{"transform": t, "strength": s, **recalls}
                         for (t, s), recalls in transforms.items()]
    return row


def pixels(path):
    """As a viewer shows them; None for what Pillow cannot read."""
    try:
        with PIL.Image.open(path) as image:
            return numpy.asarray(PIL.ImageOps.exif_transpose(image).convert("RGB"))
    except Exception:  # Pillow raises a dozen kinds on broken files
        return None


def distances_to_published(report):
    """[(bits between Winnow's hash and pdqhash's, quality, file)] of what both can read."""
    result = []
    for picture in report["pictures"]:
        image = pixels(pathlib.Path(report["folder"]) / picture["file"])
        if "pdq" not in picture or image is None or min(image.shape[:2]) < 5:
            continue
        bits, quality = pdqhash.compute(numpy.ascontiguousarray(image))
        published = int("".join(str(int(bit)) for bit in bits), 2)
        distance = (published ^ int(picture["pdq"], 16)).bit_count()
        result.append((distance, int(quality), f"{report['name']}/{picture['file']}"))
    return result


def percent(share):
    return "-" if share is None else f"{100 * share:.1f}"


def print_sets(rows, methods):
    names = ["pdq"] + [method.name for method in methods]
    print(f"{'':26}{'pairs of':>9}" + "".join(f"{name:>10}{'':16}" for name in names))
    print(f"{'set':26}{'copies':>9}" + f"{'recall %':>10}{'prec. %':>9}{'wrong':>7}" * len(names))
    for row in rows:
        cells = "".join(f"{percent(row[n]['recall']):>10}{percent(row[n]['precision']):>9}"
                        f"{row[n]['wrong']:>7}" for n in names)
        print(f"{row['set'] + (' *' if row['views'] else ''):26}{row['copies']:>9}{cells}")
    if any(row["views"] for row in rows):
        print("* views of one thing from several places, not copies")


def print_transforms(rows, methods):
    names = ["pdq"] + [method.name for method in methods]
    for row in rows:
        if not row["transforms"]:
            continue
        print(f"\n{row['set']}: recall % of copies against their originals")
        for transform in row["transforms"]:
            cells = "".join(f"{name} {percent(transform[name]):>6}  " for name in names)
            print(f"  {transform['transform']:26}{transform['strength']:16}{cells}")


def print_conformance(distances):
    """True if PDQ's rule holds."""
    usable = [d for d in distances if d[1] >= 50]
    fine = [d for d in distances if d[1] >= 80]
    identical = sum(d[0] == 0 for d in usable)
    farthest = max(fine, default=(0, 0, ""))
    print(f"\nagainst the published PDQ program: {identical} of {len(usable)} fingerprints of quality"
          f" 50 and more identical; of quality 80 and more none is farther than {farthest[0]} bits")
    for distance, quality, file in sorted(fine, reverse=True):
        if distance > 10:
            print(f"  {distance} bits at quality {quality}: {file}")
    return farthest[0] <= 10


def print_reencodings(rows):
    """True if all that was only coded again is found."""
    lost = [t for row in rows if row["set"] == "ladder" for t in row["transforms"]
            if t["transform"] in REENCODINGS and t["pdq"] < 1]
    for transform in lost:
        print(f"not all found: {transform['transform']} {transform['strength']}")
    return not lost


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--strict", action="store_true")
    arguments = parser.parse_args()
    sets = json.loads(arguments.report.read_text(encoding="utf-8"))["sets"]
    logging.disable(logging.INFO)  # imagededup tells every step of every search
    warnings.filterwarnings("ignore", message="Parameter num_enc_workers has no effect")
    hashing = load_hashing()
    methods = [Method(hashing, name) for name in ("PHash", "DHash")]
    rows = [compare_set(report, methods) for report in sets]
    print_sets(rows, methods)
    print_transforms(rows, methods)
    conforms = print_conformance(
        list(itertools.chain.from_iterable(distances_to_published(report) for report in sets)))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    sound = print_reencodings(rows) and conforms
    return 1 if arguments.strict and not sound else 0


if __name__ == "__main__":
    sys.exit(main())
