"""helm and what it renders, for the tests. Needs PyYAML."""
import functools
import pathlib
import subprocess

import yaml

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
CHART = REPOSITORY / "helm/winnow"
TOOLS = REPOSITORY / "build/helm"
SPEC = REPOSITORY / "deploy/examples/street-fleet.yaml"
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_all(text):
    return [document for document in yaml.load_all(text, Loader) if document]


def load(path):
    return yaml.load(pathlib.Path(path).read_text(), Loader) or {}


def run(*command, **options):
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False, timeout=120, **options)


def helm(*arguments):
    """Standard output; AssertionError with what helm says if it fails."""
    done = run(TOOLS / "helm", *arguments)
    assert done.returncode == 0, f"helm {arguments}: {done.stderr}"
    return done.stdout


def complaint(*arguments):
    """What helm says when it refuses; '' if it does not."""
    done = run(TOOLS / "helm", *arguments)
    # Telling that symbolic links are followed is no complaint.
    lines = [line for line in done.stderr.splitlines() if not line.startswith("walk.go")]
    return "\n".join(lines) if done.returncode else ""


def template_arguments(*values, release="winnow", namespace="prod", chart=CHART):
    return ["template", release, chart, "--namespace", namespace,
            *(f"--values={path}" for path in values)]


@functools.lru_cache(maxsize=None)
def render(*values, release="winnow", namespace="prod", chart=CHART, options=()):
    """The manifests, as text, of the chart with these values files."""
    return helm(*template_arguments(*values, release=release, namespace=namespace, chart=chart),
                *options)


def app_version():
    return str(load(CHART / "Chart.yaml")["appVersion"])
