"""Ten times the pictures must not need more memory: peak resident size of `winnow run` over a small
and a ten times larger folder.

usage: memory_bound.py WINNOW MAKE_PICTURES SPEC [--small N] [--times N]
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

# What may still grow: the duplicate index (170 bytes an image), allocator slack. Far below one
# record, let alone one picture, per image.
ALLOWED_GROWTH = 1.25


def peak_kib(args, pictures, output):
    """Peak resident set of one run, from the kernel's account of the child."""
    process = subprocess.Popen(
        [args.winnow, "run", args.spec, "--input", pictures, "--output", output, "--threads", "2"],
        stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"winnow run failed with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_maxrss


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("winnow")
    parser.add_argument("make_pictures")
    parser.add_argument("spec")
    parser.add_argument("--small", type=int, default=300)
    parser.add_argument("--times", type=int, default=10)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        peaks = []
        for count in (args.small, args.small * args.times):
            pictures = scratch / f"pictures-{count}"
            subprocess.run([args.make_pictures, pictures, str(count)], check=True)
            peaks.append(peak_kib(args, pictures, scratch / f"dataset-{count}"))
            print(f"{count} pictures: peak {peaks[-1] / 1024:.0f} MiB")
        print(f"ratio {peaks[1] / peaks[0]:.2f}, allowed {ALLOWED_GROWTH}")
        if peaks[1] > peaks[0] * ALLOWED_GROWTH:
            sys.exit("memory grows with the number of pictures")


if __name__ == "__main__":
    main()
