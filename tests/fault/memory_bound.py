"""More pictures must not need more memory: peak resident size of `winnow run` over a small folder,
which is large enough to fill queues and batches, and a larger one.

usage: memory_bound.py WINNOW MAKE_PICTURES SPEC [--small N] [--times N]
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

# What may still grow: the state's cache, until it is full (libs/state, memory_bytes), and the
# duplicate index with its neighbours, a few hundred bytes an image. A record is about 3 KiB and a
# picture here 20 KiB: keeping either for every image fails this.
STATE_CACHE_KIB = 16 * 1024
PER_IMAGE_KIB = 1


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
    parser.add_argument("--small", type=int, default=2000)
    parser.add_argument("--times", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        peaks = []
        for count in (args.small, args.small * args.times):
            pictures = scratch / f"pictures-{count}"
            subprocess.run([args.make_pictures, pictures, str(count)], check=True)
            peaks.append(peak_kib(args, pictures, scratch / f"dataset-{count}"))
            print(f"{count} pictures: peak {peaks[-1] / 1024:.0f} MiB")
        more_images = args.small * (args.times - 1)
        allowed = STATE_CACHE_KIB + PER_IMAGE_KIB * more_images
        print(f"grew by {(peaks[1] - peaks[0]) / 1024:.0f} MiB, allowed {allowed / 1024:.0f}")
        if peaks[1] - peaks[0] > allowed:
            sys.exit("memory grows with the number of pictures")


if __name__ == "__main__":
    main()
