"""The five services of one pipeline on this machine: what each is told, and whether it is ready.

A service reads deploy/services/STAGE.yaml; what depends on the machine comes as environment
(WINNOW_KAFKA__BROKERS for kafka.brokers). Everything an instance writes is below one directory:

    run/        supervisors' notes and logs, one NAME.json and NAME.log an instance
    state/NAME  of stages that keep state
    blobs/      raw and safe payloads too large for a message
    dataset/    what the sink publishes
"""
import http.client
import pathlib

import supervised

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
CONFIGURATIONS = REPOSITORY / "deploy/services"
# In the order images pass them, which is the order to stop them in.
STAGES = ("validator", "privacy-blurrer", "deduper", "balancer", "sink")
STATEFUL = ("deduper", "balancer")


def environment(settings):
    """{"kafka.brokers": x} as {"WINNOW_KAFKA__BROKERS": x}."""
    return {"WINNOW_" + key.upper().replace(".", "__"): str(value)
            for key, value in settings.items()}


def answer_of(port, path, seconds=2.0):
    """Status and body of a GET on this machine; (0, reason) if nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()


class Instance(supervised.Supervised):
    """One process slot of a stage: "deduper-0"."""

    def __init__(self, pipeline, stage, number, port):
        super().__init__(pipeline.directory / "run", f"{stage}-{number}")
        self.stage = stage
        self.port = port
        self._pipeline = pipeline

    @property
    def state_directory(self):
        return self._pipeline.directory / "state" / self.name

    def settings(self):
        common = self._pipeline
        places = {"blobs.raw": common.directory / "blobs/raw",
                  "blobs.safe": common.directory / "blobs/safe",
                  "models": common.models, "state.directory": self.state_directory,
                  "sink.directory": common.dataset}
        wanted = {"validator": ("blobs.raw",),
                  "privacy-blurrer": ("blobs.raw", "blobs.safe", "models"),
                  "deduper": ("blobs.safe", "state.directory"),
                  "balancer": ("blobs.safe", "state.directory"),
                  "sink": ("blobs.safe", "sink.directory")}[self.stage]
        return {"spec": common.spec, "instance": self.name, "kafka.brokers": common.brokers,
                "kafka.topic_prefix": common.prefix, "http.address": "127.0.0.1",
                "http.port": self.port,
                **{key: places[key] for key in wanted}, **common.settings}

    def run(self):
        for key, place in self.settings().items():
            if key in ("blobs.raw", "blobs.safe", "state.directory", "sink.directory"):
                pathlib.Path(place).mkdir(parents=True, exist_ok=True)
        configuration = CONFIGURATIONS / f"{self.stage}.yaml"
        program = self._pipeline.binaries / f"winnow-{self.stage}"
        self.start([str(program), "--config", str(configuration)], environment(self.settings()))

    def is_ready(self):
        return answer_of(self.port, "/readyz")[0] == 200


class Pipeline:
    def __init__(self, directory, binaries, brokers, spec, prefix="", models=None, settings=None):
        self.directory = pathlib.Path(directory).resolve()
        self.binaries = pathlib.Path(binaries).resolve()
        self.brokers = brokers
        self.spec = pathlib.Path(spec).resolve()
        self.prefix = prefix
        self.models = models or REPOSITORY / "build/models"
        self.settings = settings or {}  # of all services, over what this file says
        self.instances = {}

    @property
    def dataset(self):
        return self.directory / "dataset"

    def add(self, stage, number, port):
        """Known from now on; `run` starts it."""
        instance = Instance(self, stage, number, port)
        self.instances[instance.name] = instance
        return instance

    def of_stage(self, stage):
        return [instance for instance in self.instances.values() if instance.stage == stage]

    def stop(self, seconds, names=None):
        """All, or those named, stage by stage from the source on, each within `seconds`; those that
        had to be killed."""
        late = []
        for stage in STAGES:
            late += supervised.stop_all([each for each in self.of_stage(stage)
                                         if names is None or each.name in names], seconds)
        return late
