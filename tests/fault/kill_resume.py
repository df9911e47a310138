"""kill -9 the real program at random moments, run the same command again, and compare what it
leaves with what an undisturbed run leaves, byte for byte.

usage: kill_resume.py WINNOW MAKE_PICTURES SPEC [--pictures N] [--rounds N] [--seed N]
"""

import argparse
import hashlib
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

PUBLIC = ("shards", "manifest.json", "rejected.jsonl", "report.html")


def tree_digests(output):
    """SHA-256 of every public file of a dataset, by relative path."""
    files = {}
    for name in PUBLIC:
        top = output / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file():
                files[str(path.relative_to(output))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return files


def command(args, pictures, output, threads):
    return [args.winnow, "run", args.spec, "--input", str(pictures), "--output", str(output),
            "--threads", str(threads), "--summary", str(output) + ".json"]


def run_until_killed(args, pictures, output, threads, seconds):
    """Returns True if the process was killed, False if it ended by itself (which must be well)."""
    process = subprocess.Popen(command(args, pictures, output, threads),
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return True
    if process.returncode != 0:
        sys.exit(f"exit code {process.returncode}: {errors.decode(errors='replace')}")
    return False


def disturbed_run(args, pictures, output, chance, span):
    """Kills until the run gets through. Later attempts live longer, so that it ends."""
    kills = 0
    while run_until_killed(args, pictures, output, chance.randint(1, 4),
                           chance.uniform(0.02, span * (0.3 + 0.15 * kills))):
        kills += 1
    return kills


def counts(output):
    summary = json.loads(pathlib.Path(str(output) + ".json").read_text())
    assert summary["conserved"] and summary["complete"], summary
    return {key: summary[key] for key in ("received", "stored", "deferred", "rejected", "review")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("winnow")
    parser.add_argument("make_pictures")
    parser.add_argument("spec")
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    chance = random.Random(args.seed)

    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        pictures = scratch / "pictures"
        subprocess.run([args.make_pictures, str(pictures), str(args.pictures)], check=True)
        calm = scratch / "calm"
        begun = time.monotonic()
        subprocess.run(command(args, pictures, calm, 2), check=True, stdout=subprocess.DEVNULL)
        span = time.monotonic() - begun
        expected = tree_digests(calm)
        assert sum(name.startswith("shards/") for name in expected) > 2, expected
        assert counts(calm)["received"] == args.pictures, counts(calm)

        kills = 0
        for round_number in range(args.rounds):
            output = scratch / f"disturbed-{round_number}"
            kills += disturbed_run(args, pictures, output, chance, span)
            found = tree_digests(output)
            different = sorted(set(expected.items()) ^ set(found.items()))
            if different:
                sys.exit(f"round {round_number} differs from the undisturbed run: {different}")
            assert counts(output) == counts(calm), (counts(output), counts(calm))
        print(f"{args.rounds} runs of {args.pictures} pictures, {kills} kills, "
              f"{len(expected)} files identical each time")
        if kills == 0:
            sys.exit("nothing was killed: the test shows nothing")


if __name__ == "__main__":
    main()
