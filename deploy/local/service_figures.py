"""What services say of themselves on /metrics, as far as the stack tells it."""
import re
import threading
import time

import pipeline

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def samples(port):
    """(name, labels, value) of each; none if nobody answers."""
    status, body = pipeline.answer_of(port, "/metrics")
    return [(name, dict(LABEL.findall(labels)), float(value))
            for name, labels, value in SAMPLE.findall(body)] if status == 200 else []


def total(port, metric, **labels):
    return sum(value for name, has, value in samples(port)
               if name == metric and labels.items() <= has.items())


class FirstImage(threading.Thread):
    """Watches the sinks for the first image: `taken` into a part, which the next start would find
    again, and `visible` with its part's manifest. Seconds since `began`, None until then."""

    def __init__(self, ports, began):
        super().__init__(daemon=True)
        self.ports = ports
        self.taken = self.visible = None
        self._began = began
        self._ended = threading.Event()

    def run(self):
        while self.visible is None and not self._ended.wait(0.05):
            told = [sample for port in self.ports for sample in samples(port)]
            now = time.monotonic() - self._began
            published = self._any(told, "winnow_parts_published_total")
            if self.taken is None and (published or self._any(told, "winnow_parts_open")):
                self.taken = now
            if published:
                self.visible = now

    @staticmethod
    def _any(told, metric):
        return any(name == metric and value > 0 for name, _, value in told)

    def stop(self):
        self._ended.set()
        self.join()
