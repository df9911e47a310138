"""Every query of every panel, put to a real Prometheus that asks the real services under load.

usage: live_test.py BIN_DIR [--pictures N] [--slices N] [--pictures-to DIR]

A panel must have data, and where nothing is wrong only those figures may be 0 that count what goes
wrong. Exits with 77 (skipped) without an installed broker, models or Prometheus.
"""
import argparse
import json
import math
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import exercise  # noqa: E402
import queries  # noqa: E402

REPOSITORY = exercise.REPOSITORY
GRAFANA = REPOSITORY / "deploy/grafana"
PATIENCE = 40  # seconds until what has happened shows everywhere
# Figures that are 0 when all is well: they must be there, and may be 0.
ZERO_IS_WELL = (
    "winnow_aborts_total", "winnow_lost_records_total", "winnow_fenced", "== bool 0",
    "winnow_restore_remaining_records", "winnow_state_pending_compaction_bytes",
    "winnow_state_writes_stopped", "winnow_privacy_residual_ratio", "winnow_late",
    'reason="unredacted"', 'outcome="review"', "winnow_consumer_lag_records",
    "winnow_in_flight_bytes",
)
# Without pictures of faces there are none to destroy.
WITHOUT_FACES = ("winnow_redacted_regions_total",)
# What only some stages have; the rest must have data whatever stage is chosen.
OF_SOME_STAGES = re.compile("winnow_(state|source|part|restore|disk|consumer_lag)")


def numbers(series):
    return [float(text) for each in series for _, text in each["values"]]


def dashboards():
    return [json.loads(path.read_text()) for path in sorted((GRAFANA / "dashboards").glob("*"))]


class Look:
    """All panels at one moment."""

    def __init__(self, running, may_be_zero):
        self.running, self.may_be_zero = running, may_be_zero
        self.asked = 0

    def asking(self, dashboard, stage=queries.ALL):
        now = time.time()
        seconds = int(now - self.running.began) + 1
        return queries.Asking(self.running.prometheus, dashboard, now, seconds, exercise.SCRAPE,
                              {"stage": [stage]})

    def fault(self, asking, target):
        """What is wrong with the answer, or nothing."""
        self.asked += 1
        found = numbers(asking.series(target))
        if not found:
            return "no data"
        if not any(math.isfinite(number) for number in found):
            return "no numbers"
        if not any(found) and not any(text in target["expr"] for text in self.may_be_zero):
            return "always 0"
        return None

    def faults(self):
        found = []
        for dashboard in dashboards():
            asking = self.asking(dashboard)
            for panel in queries.panels_of(dashboard):
                for target in panel["targets"] + self.annotations(dashboard, panel):
                    wrong = self.fault(asking, target)
                    if wrong:
                        found.append(f"{dashboard['title']}: {panel['title']} "
                                     f"({target['refId']}): {wrong}: {asking.text(target['expr'])}")
        return found + self.faults_of_stages()

    @staticmethod
    def annotations(dashboard, panel):
        """Those of the dashboard, once."""
        if panel["id"] != queries.panels_of(dashboard)[0]["id"]:
            return []
        return [{"expr": each["expr"], "instant": False, "refId": each["name"]}
                for each in dashboard["annotations"]["list"]]

    def faults_of_stages(self):
        """One stage chosen: what every stage has shows for each of them."""
        found = []
        dashboard = next(each for each in dashboards() if each["uid"] == "winnow-stage")
        for stage in exercise.INSTANCES:
            asking = self.asking(dashboard, stage)
            for panel in queries.panels_of(dashboard):
                for target in panel["targets"]:
                    if (not OF_SOME_STAGES.search(target["expr"])
                            and not numbers(asking.series(target))):
                        found.append(f"one stage, {stage}: {panel['title']}: no data")
        return found


def look_until_all_is_there(running):
    """How many queries were asked, and what is wrong with them."""
    may_be_zero = ZERO_IS_WELL + (() if exercise.face_pictures() else WITHOUT_FACES)
    deadline = time.monotonic() + PATIENCE
    while True:
        look = Look(running, may_be_zero)
        faults = look.faults()
        if not faults or time.monotonic() > deadline:
            return look.asked, faults
        time.sleep(1)


def draw(running, folder):
    """The pictures for a machine without Grafana."""
    minutes = (time.time() - running.began) / 60
    done = subprocess.run([GRAFANA / "preview", "--prometheus", running.url, "--output", folder,
                           "--minutes", f"{minutes:.2f}", "--scrape", str(exercise.SCRAPE),
                           "--choose", f"stage={queries.ALL}"],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise exercise.Failed(f"preview: {done.stderr}")
    drawn = {path.stem for path in folder.glob("*.png") if path.stat().st_size > 20000}
    if drawn != {each["uid"] for each in dashboards()}:
        raise exercise.Failed(f"preview drew {sorted(drawn)}")


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("--pictures", type=int, default=120)
    parser.add_argument("--slices", type=int, default=2)
    parser.add_argument("--pictures-to", type=pathlib.Path)
    return parser.parse_args()


def require_parts():
    for there, remedy in (((REPOSITORY / "build/kafka/lib").is_dir(), "deploy/kafka/install"),
                          (shutil.which("prometheus"), "deploy/packages/install stack.txt"),
                          (any((REPOSITORY / "build/models").glob("*.onnx")),
                           "deploy/models/install build/models")):
        if not there:
            print(f"skipped: needs {remedy}")
            sys.exit(77)


def main():
    options = parse()
    require_parts()
    with tempfile.TemporaryDirectory(prefix="winnow-dashboards-") as scratch:
        running = exercise.Exercise(options.programs.resolve(), pathlib.Path(scratch))
        try:
            running.start()
            running.feed(options.pictures, options.slices)
            running.crash()
            asked, faults = look_until_all_is_there(running)
            draw(running, options.pictures_to or pathlib.Path(scratch) / "drawn")
            if faults:
                raise exercise.Failed("\n".join([f"{len(faults)} queries:", *faults]))
        except exercise.Failed as failed:
            sys.exit(str(failed))
        finally:
            running.stop()
    print(f"{asked} queries have data, {running.fed} records")


main()
