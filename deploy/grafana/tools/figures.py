"""Numbers and colours as Grafana shows them. Standard library only."""
import math

# Grafana's own, dark theme.
COLOURS = {"green": "#73bf69", "yellow": "#f2cc0c", "orange": "#ff9830", "red": "#f2495c",
           "blue": "#5794f2", "text": "#ccccdc", "transparent": "#00000000"}
# Those lines and bars get in turn.
PALETTE = ("#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#5794f2", "#ba43a9", "#8f7fd6",
           "#508642", "#cca300", "#82b5d8", "#c15c17", "#e5a8e2", "#f9d9f9")
NO_NUMBER = "No data"


def last(series):
    """The newest number of a series, or NaN."""
    numbers = [float(text) for _, text in series["values"]]
    return next((number for number in reversed(numbers) if not math.isnan(number)), math.nan)


def scaled(value, base, units):
    """1536, 1024, ["B", "KiB"] -> 1.5 KiB, with three figures."""
    size = abs(value)
    index = 0
    while size >= base and index + 1 < len(units):
        size /= base
        index += 1
    number = value / base ** index
    digits = 0 if abs(number) >= 100 or number == int(number) else 1 if abs(number) >= 10 else 2
    return f"{number:.{digits}f}{units[index]}"


def duration(seconds):
    for limit, unit, name in ((1e-3, 1e-6, " µs"), (1, 1e-3, " ms"), (120, 1, " s"),
                              (7200, 60, " min"), (172800, 3600, " h")):
        if abs(seconds) < limit:
            return f"{seconds / unit:.3g}{name}" if seconds else "0 s"
    return f"{seconds / 86400:.3g} days"


def shown(value, defaults):
    """The number in its unit, or the word that stands for it."""
    word = mapping(value, defaults)
    if word:
        return word["text"]
    if math.isnan(value):
        return defaults.get("noValue", NO_NUMBER)
    unit, decimals = defaults["unit"], defaults.get("decimals")
    if unit == "percentunit":
        return f"{100 * value:.{1 if decimals is None else decimals}f} %"
    if unit == "bytes":
        return scaled(value, 1024, [" B", " KiB", " MiB", " GiB", " TiB"])
    if unit == "s":
        return duration(value)
    text = scaled(value, 1000, ["", " K", " M", " G"]) if decimals is None or value >= 1000 \
        else f"{value:.{decimals}f}"
    return text + unit.removeprefix("suffix:") if unit.startswith("suffix:") else text


def mapping(value, defaults):
    """Text and colour that stand for the value, or None."""
    for each in defaults["mappings"]:
        if each["type"] == "special" and math.isnan(value):
            return each["options"]["result"]
        if each["type"] == "value" and not math.isnan(value):
            found = each["options"].get(f"{value:g}")
            if found:
                return found
    return None


def colour(value, defaults):
    """By mapping, else by threshold."""
    word = mapping(value, defaults)
    if word:
        return COLOURS[word["color"]]
    if math.isnan(value):
        return COLOURS["text"]
    reached = [step["color"] for step in defaults["thresholds"]["steps"]
               if step["value"] is None or value >= step["value"]]
    return COLOURS[reached[-1]]
