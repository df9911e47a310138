"""What Grafana makes of a dashboard's queries before it asks Prometheus, and the answers.

Only what these dashboards use: $name and ${name} of variables, $__rate_interval and $__range.
Standard library only.
"""
import json
import re
import urllib.error
import urllib.parse
import urllib.request

ROW = "row"
ALL = "$__all"


def panels_of(dashboard):
    """All but headings."""
    return [panel for panel in dashboard["panels"] if panel["type"] != ROW]


def chosen(dashboard, choices):
    """{variable: what stands in a query for it}. Those without a choice, a list of values, are as
    Grafana first shows them."""
    values = {}
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            picked = choices.get(variable["name"], variable["current"]["value"])
            values[variable["name"]] = (variable["allValue"] if picked == [ALL]
                                        else alternatives(picked))
    return values


def alternatives(values):
    """As Grafana writes them into a regular expression."""
    escaped = [re.sub(r"([\\^$*+?.()|\[\]{}])", r"\\\\\1", value) for value in values]
    return escaped[0] if len(escaped) == 1 else "(" + "|".join(escaped) + ")"


def substituted(expression, values, seconds, step, scrape):
    """As Grafana sends it. `seconds` is the time range, `scrape` the data source's interval."""
    intervals = {"__rate_interval": f"{max(step + scrape, 4 * scrape)}s", "__range": f"{seconds}s",
                 "__interval": f"{step}s"}
    known = {**values, **intervals}
    return re.sub(r"\$\{?(\w+)\}?", lambda match: known[match.group(1)], expression)


class Unanswered(Exception):
    """Prometheus' own words."""


class Prometheus:
    def __init__(self, url):
        self.url = url.rstrip("/")

    def ask(self, path, **parameters):
        text = urllib.parse.urlencode(parameters).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}", text, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise Unanswered(f"{parameters.get('query', path)}: {error.read().decode()}") from error
        except OSError as error:
            raise Unanswered(f"{self.url}: {error}") from error

    def range(self, expression, start, end, step):
        return self.ask("query_range", query=expression, start=start, end=end, step=step)["result"]

    def at(self, expression, time):
        """Series as those of a range, of one point each."""
        data = self.ask("query", query=expression, time=time)
        if data["resultType"] == "scalar":
            return [{"metric": {}, "values": [data["result"]]}]
        return [{"metric": each["metric"], "values": [each["value"]]} for each in data["result"]]


class Asking:
    """A dashboard's queries, put to a Prometheus for a time range."""

    def __init__(self, prometheus, dashboard, end, seconds, scrape=5, choices=None):
        self.prometheus = prometheus
        self.end, self.seconds, self.scrape = end, seconds, scrape
        self.step = max(scrape, seconds // 300)
        self.values = chosen(dashboard, choices or {})

    def text(self, expression):
        return substituted(expression, self.values, self.seconds, self.step, self.scrape)

    def series(self, target):
        """[{"metric": labels, "values": [[time, text], ...]}]"""
        expression = self.text(target["expr"])
        if target["instant"]:
            return self.prometheus.at(expression, self.end)
        return self.prometheus.range(expression, self.end - self.seconds, self.end, self.step)


def legend(target, labels):
    text = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: labels.get(match.group(1), ""),
                  target["legendFormat"])
    return text.strip() or ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
