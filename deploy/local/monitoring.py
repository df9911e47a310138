"""Prometheus and, where one is installed, Grafana, on ports of this machine: what they are told and
what they say. Both read what deploy/compose.yaml gives them: deploy/prometheus, deploy/grafana.
"""
import json
import pathlib
import shutil
import signal

import pipeline
import supervised

DEPLOY = pathlib.Path(__file__).resolve().parents[1]
PROVISIONING = DEPLOY / "grafana/provisioning"
DASHBOARDS = DEPLOY / "grafana/dashboards"
GRAFANA_HOME = pathlib.Path("/usr/share/grafana")  # of the Debian package
READY_SECONDS = 60


class Prometheus(supervised.Supervised):
    """Keeps its data in DIR/prometheus."""

    def __init__(self, directory, port):
        super().__init__(directory / "run", "prometheus")
        self.place = directory / "prometheus"
        self.port = port

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def run(self, instances):
        """With today's rules, asking `instances`; whether it became ready."""
        (self.place / "targets").mkdir(parents=True, exist_ok=True)
        for name in ("prometheus.yml", "rules.yml"):
            shutil.copy(DEPLOY / "prometheus" / name, self.place / name)
        targets = [{"targets": [f"127.0.0.1:{each.port}"],
                    "labels": {"job": "winnow", "instance": each.name}} for each in instances]
        (self.place / "targets/winnow.json").write_text(json.dumps(targets, indent=2) + "\n")
        if not self.signal(signal.SIGHUP):  # one that runs reads its files again
            self.start(["prometheus", f"--config.file={self.place}/prometheus.yml",
                        f"--storage.tsdb.path={self.place}/data", "--log.level=warn",
                        f"--web.listen-address=127.0.0.1:{self.port}"])
        return supervised.wait_until(lambda: self.answers("/-/ready") or not self.supervisor(),
                                     READY_SECONDS) and self.answers("/-/ready")

    def answers(self, path):
        return pipeline.answer_of(self.port, path)[0] == 200

    def alerts(self):
        """[{name, state, severity, summary, runbook, labels}], firing ones first; None if nobody
        answers."""
        status, body = pipeline.answer_of(self.port, "/api/v1/alerts")
        if status != 200:
            return None
        told = [alert_of(alert) for alert in json.loads(body)["data"]["alerts"]]
        return sorted(told, key=lambda alert: (alert["state"] != "firing", alert["name"]))


def alert_of(told):
    labels, notes = dict(told["labels"]), told.get("annotations", {})
    return {"name": labels.pop("alertname"), "state": told["state"],
            "severity": labels.pop("severity", ""), "summary": notes.get("summary", ""),
            "runbook": notes.get("runbook", ""), "labels": labels}


def find_grafana():
    """Command of an installed Grafana, or None."""
    for name, words in (("grafana-server", []), ("grafana", ["server"])):
        found = shutil.which(name) or shutil.which(name, path=f"{GRAFANA_HOME}/bin")
        if found:
            return [found, *words, *home_of(pathlib.Path(found))]
    return None


def home_of(program):
    """It finds its pages by itself only when started in its home."""
    for home in (program.resolve().parents[1], GRAFANA_HOME):
        if (home / "conf/defaults.ini").is_file():
            return ["--homepath", str(home)]
    return []


class Grafana(supervised.Supervised):
    """Shows the dashboards to whoever comes from this machine. Keeps its data in DIR/grafana."""

    def __init__(self, directory, port):
        super().__init__(directory / "run", "grafana")
        self.place = directory / "grafana"
        self.port = port

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def settings(self, prometheus):
        return {
            "WINNOW_PROMETHEUS_URL": prometheus, "WINNOW_DASHBOARDS": str(DASHBOARDS),
            "GF_PATHS_PROVISIONING": str(PROVISIONING), "GF_PATHS_DATA": str(self.place),
            "GF_PATHS_LOGS": str(self.place / "log"),
            "GF_PATHS_PLUGINS": str(self.place / "plugins"),
            "GF_SERVER_HTTP_ADDR": "127.0.0.1", "GF_SERVER_HTTP_PORT": str(self.port),
            "GF_AUTH_ANONYMOUS_ENABLED": "true", "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
            "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(DASHBOARDS / "winnow-overview.json"),
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false"}

    def run(self, command, prometheus):
        """Whether it became ready."""
        self.place.mkdir(parents=True, exist_ok=True)
        self.start(command, self.settings(prometheus))
        return supervised.wait_until(lambda: self.answers() or not self.supervisor(),
                                     READY_SECONDS) and self.answers()

    def answers(self):
        return pipeline.answer_of(self.port, "/api/health")[0] == 200
