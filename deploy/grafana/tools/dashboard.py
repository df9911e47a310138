"""Grafana's dashboards from panels/*.yaml: what is said there, and what Grafana wants around it."""
import json
import pathlib
import re

import yaml

PANELS = pathlib.Path(__file__).resolve().parents[1] / "panels"
WIDTH = 24  # columns of Grafana's grid
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
ABBREVIATIONS = {
    "{ALL": '{namespace=~"$namespace"',
    "{OWN": '{namespace=~"$namespace", stage=~"$stage", instance=~"$instance"',
    "[RATE]": "[$__rate_interval]",
    "[RANGE]": "[$__range]",
}
# Units that Grafana has no name for are text after the number.
NAMED_UNITS = ("none", "short", "s", "bytes", "percentunit")
SIZES = {"timeseries": "8x8", "stat": "3x4", "bars": "8x8", "gauge": "4x8", "timeline": "8x8",
         "heatmap": "8x8", "table": "8x8"}
TYPES = {"bars": "bargauge", "timeline": "state-timeline"}  # the others are Grafana's names
KEYS = {"title", "unit", "size", "says", "ask", "colours", "limits", "words", "runbook", "max",
        "decimals", "sparkline", "named", "stacked", "legend", "columns", "nothing"}
# Asked for the end of the time range only.
AT_ONCE = ("stat", "bars", "gauge", "table")
LAST = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}


class Wrong(Exception):
    """What is wrong in panels/, in one line."""


# -- queries --


def expand(expression):
    """The expression as Grafana gets it, on one line."""
    for short, full in ABBREVIATIONS.items():
        expression = re.sub(re.escape(short) + r"(?!\w)", lambda _, to=full: to, expression)
    return " ".join(expression.split())


def repeated(asked):
    """One query for each value of `for`, which stands as EACH in the expression and legend."""
    if "for" not in asked:
        return [asked]
    return [{"expr": asked["expr"].replace("EACH", value),
             "legend": asked["legend"].replace("EACH", value)} for value in asked["for"]]


def targets(kind, ask, sparkline):
    if isinstance(ask, str):
        ask = [{"expr": ask}]
    at_once = kind in AT_ONCE and not sparkline
    form = {"table": "table", "heatmap": "heatmap"}.get(kind, "time_series")
    made = []
    for each in [single for asked in ask for single in repeated(asked)]:
        # Every legend ends with the namespace, which is empty outside Kubernetes.
        legend = f"{each.get('legend', '')} {{{{namespace}}}}".lstrip()
        made.append({"refId": chr(ord("A") + len(made)), "datasource": DATASOURCE,
                     "editorMode": "code", "expr": expand(each["expr"]),
                     "legendFormat": "{{le}}" if kind == "heatmap" else legend,
                     "instant": at_once, "range": not at_once, "format": form})
    return made


# -- how a panel looks --


def thresholds(colours):
    """[green, 0.5 orange, 1 red]: green, from 0.5 on orange, from 1 on red."""
    made = []
    for text in colours:
        value, _, colour = str(text).rpartition(" ")
        made.append({"color": colour, "value": float(value) if value else None})
    return {"mode": "absolute", "steps": made}


def mappings(words):
    """{0: down red, none: no answer grey}: words and a colour instead of numbers."""
    by_value = {}
    made = [{"type": "value", "options": by_value}] if words else []
    for index, (value, text) in enumerate(words.items()):
        word, _, colour = text.rpartition(" ")
        shown = {"text": word, "color": colour, "index": index}
        if value == "none":
            made.append({"type": "special", "options": {"match": "null+nan", "result": shown}})
        else:
            by_value[str(value)] = shown
    return made


def custom(kind, said):
    if kind == "timeseries":
        stacked = said.get("stacked", False)
        return {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 40 if stacked else 8,
                "showPoints": "never", "spanNulls": False,
                "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
                "thresholdsStyle": {"mode": "dashed" if "limits" in said else "off"}}
    if kind == "timeline":
        return {"fillOpacity": 80, "lineWidth": 0}
    if kind == "table":
        return {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False}
    return {}


def options(kind, said):
    named = "value_and_name" if said.get("named") else "value"
    legend = {"displayMode": "list", "placement": said.get("legend", "bottom"), "showLegend": True,
              "calcs": []}
    return {
        "timeseries": {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}},
        "stat": {**LAST, "colorMode": "background", "textMode": named, "orientation": "auto",
                 "graphMode": "area" if said.get("sparkline") else "none", "justifyMode": "auto"},
        "bars": {**LAST, "displayMode": "basic", "orientation": "horizontal", "showUnfilled": True,
                 "valueMode": "color", "minVizHeight": 10, "minVizWidth": 0},
        "gauge": {**LAST, "showThresholdLabels": False, "showThresholdMarkers": True,
                  "orientation": "auto"},
        "timeline": {"mergeValues": True, "showValue": "never", "alignValue": "left",
                     "rowHeight": 0.85, "legend": legend,
                     "tooltip": {"mode": "single", "sort": "none"}},
        "heatmap": {"calculate": False, "cellGap": 1, "showValue": "never",
                    "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64, "exponent": 0.5,
                              "reverse": False, "fill": "dark-orange"},
                    "yAxis": {"unit": unit_of(kind, said), "axisPlacement": "left",
                              "reverse": False},
                    "rowsFrame": {"layout": "auto"}, "filterValues": {"le": 1e-9},
                    "tooltip": {"show": True, "yHistogram": False}, "legend": {"show": True},
                    "exemplars": {"color": "rgba(255,0,255,0.7)"}},
        "table": {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}},
    }[kind]


def unit_of(kind, said):
    unit = said.get("unit", "s" if kind == "heatmap" else "none")
    return unit if unit in NAMED_UNITS else f"suffix: {unit}"


def field_defaults(kind, said):
    colours = said.get("colours", ["blue"])
    if "limits" in said:
        colours = ["transparent", *said["limits"]]
    made = {"unit": unit_of(kind, said), "min": 0,
            "thresholds": thresholds(colours), "mappings": mappings(said.get("words", {})),
            "color": {"mode": "palette-classic" if kind == "timeseries" else "thresholds"},
            "custom": custom(kind, said)}
    made.update({grafana: said[key] for key, grafana in
                 (("max", "max"), ("decimals", "decimals"), ("nothing", "noValue")) if key in said})
    return made


def table_columns(columns):
    """Labels as columns, {label: heading}, in this order; no other label is shown."""
    names = {name: index for index, name in enumerate(columns)}
    return [{"id": "filterFieldsByName", "options": {"include": {"names": list(columns)}}},
            {"id": "organize", "options": {"excludeByName": {}, "renameByName": columns,
                                           "indexByName": names}}]


# Grafana cannot lower a value's case to make a heading's anchor, but browsers find text.
ALERT_LINKS = {"matcher": {"id": "byName", "options": "Alert"}, "properties": [
    {"id": "links", "value": [{"title": "What to do", "targetBlank": True,
                               "url": "${runbook}#:~:text=${__value.raw}"}]}]}


def runbook_link(alert):
    return {"title": f"What to do: {alert}", "url": "${runbook}#" + alert.lower(),
            "targetBlank": True}


def panel(said):
    """Grafana's panel without place and id."""
    kind = next((kind for kind in SIZES if kind in said), None)
    if kind is None:
        raise Wrong(f"{said}: no kind of panel, which are {', '.join(SIZES)}")
    said = {**said, "title": said[kind]}
    del said[kind]
    missing, unknown = {"says", "ask"} - said.keys(), said.keys() - KEYS
    if missing or unknown:
        raise Wrong(f"{said['title']}: missing {sorted(missing)}, unknown {sorted(unknown)}")
    made = {"type": TYPES.get(kind, kind), "title": said["title"],
            "description": " ".join(said["says"].split()), "datasource": DATASOURCE,
            "links": [runbook_link(alert) for alert in said.get("runbook", [])],
            "fieldConfig": {"defaults": field_defaults(kind, said), "overrides": []},
            "options": options(kind, said),
            "targets": targets(kind, said["ask"], said.get("sparkline", False))}
    if kind == "table":
        made["transformations"] = table_columns(said["columns"])
        made["fieldConfig"]["overrides"] = [ALERT_LINKS]
    size = [int(number) for number in said.get("size", SIZES[kind]).split("x")]
    return made, size


# -- dashboards --


def place(rows):
    """Left to right; lines are as high as their highest panel."""
    placed = []
    top = 0
    for row in rows:
        if "heading" in row:
            placed.append({"type": "row", "title": row["heading"], "collapsed": False, "panels": [],
                           "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1}})
            top += 1
        left = height = 0
        for said in row["panels"]:
            made, (wide, high) = panel(said)
            if left + wide > WIDTH:
                top, left, height = top + height, 0, 0
            placed.append({**made, "gridPos": {"x": left, "y": top, "w": wide, "h": high}})
            left, height = left + wide, max(height, high)
        top += height
    return [{"id": index + 1, **each} for index, each in enumerate(placed)]


def choice(name, label, values, first=None):
    """Of the values a label has; `All` is any value and none. `first` is chosen at the start."""
    text, value = (first, first) if first else ("All", "$__all")
    return {"name": name, "label": label, "type": "query", "datasource": DATASOURCE,
            "query": {"query": expand(values), "refId": f"{name} values"},
            "definition": expand(values), "refresh": 2, "sort": 1, "regex": "", "multi": True,
            "includeAll": True, "allValue": ".*", "hide": 0, "options": [], "skipUrlSync": False,
            "current": {"selected": True, "text": [text], "value": [value]}}


CHOICES = {
    "stage": choice("stage", "Stage", "label_values(winnow_build_info{ALL}, stage)",
                    first="validator"),
    "instance": choice("instance", "Process",
                       'label_values(winnow_build_info{ALL, stage=~"$stage"}, instance)'),
}


def variables(choices, runbook):
    return [{"name": "datasource", "label": "Prometheus", "type": "datasource",
             "query": "prometheus", "regex": "", "hide": 0, "includeAll": False, "multi": False,
             "options": [], "refresh": 1, "skipUrlSync": False, "current": {}},
            choice("namespace", "Namespace", "label_values(winnow_build_info, namespace)"),
            *(CHOICES[name] for name in choices),
            {"name": "runbook", "label": "Runbook", "type": "textbox", "hide": 2,
             "query": runbook, "options": [], "skipUrlSync": False,
             "current": {"text": runbook, "value": runbook}}]


STARTS = {"name": "Starts of processes", "enable": True, "iconColor": "blue",
          "datasource": DATASOURCE, "titleFormat": "{{instance}} started",
          "expr": expand('process_start_time_seconds{ALL, job="winnow"} * 1000'),
          "useValueForTime": "on", "step": "15s"}


def dashboard(said, runbook):
    links = [{"type": "dashboards", "title": "Winnow", "tags": ["winnow"], "asDropdown": False,
              "includeVars": True, "keepTime": True, "url": ""},
             {"type": "link", "title": "Runbook", "url": "${runbook}", "icon": "doc", "tags": [],
              "targetBlank": True}]
    return {"uid": said["uid"], "title": said["title"], "description": said["description"],
            "tags": ["winnow"], "schemaVersion": 38, "version": 1, "editable": True,
            "graphTooltip": 1, "timezone": "browser", "refresh": "30s",
            "time": {"from": "now-1h", "to": "now"}, "links": links,
            "templating": {"list": variables(said.get("choices", []), runbook)},
            "annotations": {"list": [STARTS]}, "panels": place(said["rows"])}


def written(runbook, folder=PANELS):
    """{file name: text} of all dashboards."""
    files = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            made = dashboard(yaml.safe_load(path.read_text()), runbook)
        except (Wrong, KeyError, yaml.YAMLError) as error:
            raise Wrong(f"{path}: {error}") from error
        files[made["uid"] + ".json"] = json.dumps(made, indent=2) + "\n"
    return files
