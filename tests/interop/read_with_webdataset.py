"""Reads a Winnow dataset with the real webdataset package and compares it with its manifest, or
with those of its parts where services wrote it. What better copies replaced must not be in it.

usage: read_with_webdataset.py DATASET_DIRECTORY

Exit status: 0 sound, 1 a check failed, 77 webdataset cannot be imported (a failure instead where
WINNOW_REQUIRE_INTEROP=1).
"""

import hashlib
import io
import json
import os
import pathlib
import sys
import tarfile

SKIPPED = 77

try:
    import PIL.Image
    import webdataset
except ImportError as error:
    if os.environ.get("WINNOW_REQUIRE_INTEROP") == "1":
        sys.exit(f"WINNOW_REQUIRE_INTEROP=1, but {error}; install tests/interop/requirements.txt")
    print(f"SKIPPED: {error}; install tests/interop/requirements.txt")
    sys.exit(SKIPPED)

IMAGES = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}


def check(condition, message):
    if not condition:
        sys.exit(f"FAILED: {message}")


def load_parts(directory):
    """The parts' manifests as one, each as the last rewriting of its shard left it."""
    shards = []
    parts = pathlib.Path(directory, ".winnow/parts")
    for path in sorted(parts.glob("*.tar.json")):
        part = json.loads(path.read_text(encoding="utf-8"))
        rewrites = [json.loads(later.read_text(encoding="utf-8"))
                    for later in parts.glob(f"{part['shard']}.r*.json")]
        for rewrite in sorted(rewrites, key=lambda each: each["generation"]):
            part |= {name: rewrite[name] for name in ("samples", "bytes", "sha256", "superseded")}
        ids = [each for each in part["ids"] if each not in part["superseded"]]
        shards.append(part | {"name": part["shard"], "ids": ids})
    check(shards, "there is neither manifest.json nor a part")
    stored = sum(shard["samples"] for shard in shards)
    replaced = [each for shard in shards for each in shard["replaces"]]
    return {"shards": shards, "totals": {"stored": stored}, "replaced": replaced}


def load_manifest(directory):
    path = pathlib.Path(directory, "manifest.json")
    if not path.exists():
        return load_parts(directory)
    return json.loads(path.read_text(encoding="utf-8"))


def check_files(directory, manifest):
    """Every shard as recorded, no other file, plain ustar members with nothing of the machine."""
    folder = os.path.join(directory, "shards")
    names = [shard["name"] for shard in manifest["shards"]]
    check(sorted(os.listdir(folder)) == sorted(names), "shards/ and the manifest list other files")
    for shard in manifest["shards"]:
        with open(os.path.join(folder, shard["name"]), "rb") as file:
            content = file.read()
        check(len(content) == shard["bytes"], f"{shard['name']}: size")
        check(hashlib.sha256(content).hexdigest() == shard["sha256"], f"{shard['name']}: sha256")
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            for member in tar:
                owner = (member.uid, member.gid, member.mtime, member.mode)
                check(member.isreg() and owner == (0, 0, 0, 0o644), f"{member.name}: {owner}")


def check_sample(sample, shard):
    key = sample["__key__"]
    parts = sorted(name for name in sample if not name.startswith("__"))
    check(len(parts) == 2 and "json" in parts, f"{key}: a whole sample has two parts, not {parts}")
    extension = next(name for name in parts if name != "json")
    check(extension in IMAGES, f"{key}: unexpected part {extension}")
    about = json.loads(sample["json"])  # bytes: json.loads insists on UTF-8
    check(about["id"] == key, f"{key}: the JSON is about {about['id']}")
    check(about["split"] == shard["split"], f"{key}: split")
    check(hashlib.sha256(sample[extension]).hexdigest() == about["sha256"], f"{key}: sha256")
    with PIL.Image.open(io.BytesIO(sample[extension])) as image:
        image.load()
        check(image.format == IMAGES[extension], f"{key}: is {image.format}, named {extension}")
        check(image.size == (about["width"], about["height"]), f"{key}: {image.size}")
    return key, about.get("duplicate", {}).get("replaces", [])


def read(path, samples):
    """A shard of which nothing is left has to be expected: webdataset takes it for a mistake."""
    return webdataset.WebDataset(path, shardshuffle=False, empty_check=samples > 0,
                                 handler=webdataset.reraise_exception)


def main(directory):
    manifest = load_manifest(directory)
    check_files(directory, manifest)
    keys = []
    replaced = set(manifest.get("replaced", []))
    for shard in manifest["shards"]:
        path = os.path.join(directory, "shards", shard["name"])
        samples = [check_sample(sample, shard) for sample in read(path, shard["samples"])]
        found = [key for key, _ in samples]
        check(len(found) == shard["samples"], f"{shard['name']}: {len(found)} samples")
        check(found == shard.get("ids", found), f"{shard['name']}: its manifest lists others")
        keys += found
        replaced.update(each for _, replaces in samples for each in replaces)
    check(keys, "the dataset is empty")
    check(not replaced & set(keys), f"still there: {sorted(replaced & set(keys))}")
    check(len(set(keys)) == len(keys), "a key occurs twice")
    check(len(keys) == manifest["totals"]["stored"], f"{len(keys)} samples in all")
    decoded = [sample for shard in manifest["shards"]
               for sample in read(os.path.join(directory, "shards", shard["name"]),
                                  shard["samples"])
               .decode("pil").to_tuple("jpg;png;webp", "json")]
    check(len(decoded) == len(keys), "webdataset's own decoding loses samples")
    print(f"{len(keys)} samples in {len(manifest['shards'])} shards read with webdataset "
          f"{webdataset.__version__}; {len(replaced)} replaced ones are not there")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
