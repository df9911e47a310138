"""Reads a Winnow dataset with the real webdataset package and compares it with its manifest.

usage: read_with_webdataset.py DATASET_DIRECTORY

Exit status: 0 sound, 1 a check failed, 77 webdataset cannot be imported (a failure instead where
WINNOW_REQUIRE_INTEROP=1).
"""

import hashlib
import io
import json
import os
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
    return key


def read(path):
    return webdataset.WebDataset(path, shardshuffle=False, handler=webdataset.reraise_exception)


def main(directory):
    with open(os.path.join(directory, "manifest.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    check_files(directory, manifest)
    keys = []
    for shard in manifest["shards"]:
        found = [check_sample(sample, shard)
                 for sample in read(os.path.join(directory, "shards", shard["name"]))]
        check(len(found) == shard["samples"], f"{shard['name']}: {len(found)} samples")
        keys += found
    check(keys, "the dataset is empty")
    check(len(set(keys)) == len(keys), "a key occurs twice")
    check(len(keys) == manifest["totals"]["stored"], f"{len(keys)} samples in all")
    decoded = [sample for shard in manifest["shards"]
               for sample in read(os.path.join(directory, "shards", shard["name"]))
               .decode("pil").to_tuple("jpg;png;webp", "json")]
    check(len(decoded) == len(keys), "webdataset's own decoding loses samples")
    print(f"{len(keys)} samples in {len(manifest['shards'])} shards read with webdataset "
          f"{webdataset.__version__}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
