"""Draws a dashboard as one picture, near enough to Grafana to judge it by. Needs matplotlib."""
import datetime
import math

import matplotlib
matplotlib.use("Agg")
import matplotlib.dates as dates  # noqa: E402
import matplotlib.patches as patches  # noqa: E402
import matplotlib.pyplot as pyplot  # noqa: E402
import matplotlib.ticker as ticker  # noqa: E402

import figures  # noqa: E402
import queries  # noqa: E402

COLUMN, ROW, EDGE, HEAD = 76, 36, 5, 52  # pixels
DPI = 100
CANVAS, PANEL, GRID, TEXT, FAINT = "#111217", "#181b1f", "#2c2f36", "#ccccdc", "#8e8e9e"
MOST_NAMES = 12  # of a legend


class Page:
    """The picture: panels are placed by Grafana's grid, in pixels from the top left."""

    def __init__(self, dashboard):
        rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
        self.wide, self.high = 24 * COLUMN, rows * ROW + HEAD
        self.figure = pyplot.figure(figsize=(self.wide / DPI, self.high / DPI), dpi=DPI,
                                    facecolor=CANVAS)

    def text(self, x, y, text, size=9, colour=TEXT, **more):
        self.figure.text(x / self.wide, 1 - y / self.high, text, fontsize=size, color=colour,
                         va="top", **more)

    def rectangle(self, x, y, wide, high, colour):
        self.figure.add_artist(patches.Rectangle(
            (x / self.wide, 1 - (y + high) / self.high), wide / self.wide, high / self.high,
            transform=self.figure.transFigure, facecolor=colour, zorder=-1))

    def axes(self, x, y, wide, high):
        made = self.figure.add_axes([x / self.wide, 1 - (y + high) / self.high, wide / self.wide,
                                     high / self.high], facecolor="none")
        made.tick_params(colors=FAINT, labelsize=7, length=0)
        for side in made.spines.values():
            side.set_visible(False)
        return made


class Drawing:
    """One panel's place, queries' answers and what it says about them."""

    def __init__(self, page, panel, answers):
        place = panel["gridPos"]
        self.page, self.panel = page, panel
        self.left, self.top = place["x"] * COLUMN + EDGE, place["y"] * ROW + HEAD + EDGE
        self.wide, self.high = place["w"] * COLUMN - 2 * EDGE, place["h"] * ROW - 2 * EDGE
        self.defaults = panel["fieldConfig"]["defaults"]
        self.series = [(queries.legend(target, each["metric"]), each)
                       for target, answer in answers for each in answer]

    def draw(self, start, end, step):
        self.start, self.end, self.step = start, end, step
        self.page.rectangle(self.left, self.top, self.wide, self.high, PANEL)
        self.page.text(self.left + 8, self.top + 7, self.panel["title"], weight="bold")
        if self.series or self.panel["type"] == "stat":
            DRAW[self.panel["type"]](self)
        else:
            self.nothing()

    def nothing(self):
        self.page.text(self.left + self.wide / 2, self.top + self.high / 2,
                       self.defaults.get("noValue", figures.NO_NUMBER), 10, FAINT, ha="center")

    def inner(self, left=8, right=8, top=28, bottom=8):
        return self.page.axes(self.left + left, self.top + top, self.wide - left - right,
                              self.high - top - bottom)

    def inner_over_time(self, left, names):
        """Axes with a time axis and the legend's lines below."""
        lines = legend_lines(names, self.wide - 16)
        made = self.inner(left=left, right=12, bottom=26 + 14 * len(lines))
        made.set_xlim(moment(self.start), moment(self.end))
        made.xaxis.set_major_locator(dates.AutoDateLocator(minticks=3, maxticks=7))
        made.xaxis.set_major_formatter(dates.DateFormatter("%H:%M:%S" if self.end - self.start < 900
                                                           else "%H:%M"))
        made.grid(color=GRID, linewidth=0.6)
        self.legend(lines)
        return made

    def legend(self, lines):
        y = self.top + self.high - 8 - 14 * len(lines)
        for line in lines:
            x = self.left + 10
            for colour, name in line:
                self.page.rectangle(x, y + 6, 10, 3, colour)
                self.page.text(x + 14, y + 2, name, 7, TEXT)
                x += name_width(name)
            y += 14


def moment(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def name_width(name):
    return 26 + 5.6 * len(name)


def legend_lines(names, wide):
    """[(colour, name)] in lines that fit; those too many are counted."""
    if len(names) > MOST_NAMES:
        names = names[:MOST_NAMES] + [(FAINT, f"and {len(names) - MOST_NAMES} more")]
    lines, room = [], 0
    for entry in names:
        room -= name_width(entry[1])
        if room < 0 or not lines:
            lines.append([])
            room = wide - name_width(entry[1])
        lines[-1].append(entry)
    return lines


def in_turn(index):
    return figures.PALETTE[index % len(figures.PALETTE)]


def points(series, step=math.inf):
    """Times and values; where points are missing there is one that is no number."""
    times, values = [], []
    before = math.inf
    for time, text in series["values"]:
        if float(time) - before > 1.5 * step:
            times.append(moment(before + step))
            values.append(math.nan)
        before = float(time)
        times.append(moment(before))
        values.append(float(text))
    return times, values


# -- by type of panel --


def draw_timeseries(self):
    names = [(in_turn(index), name) for index, (name, _) in enumerate(self.series)]
    axes = self.inner_over_time(64, names)
    if self.defaults["custom"]["stacking"]["mode"] == "normal":
        draw_stacked(self, axes)
    else:
        for index, (_, series) in enumerate(self.series):
            times, values = points(series, self.step)
            axes.plot(times, values, color=in_turn(index), linewidth=1.3)
            axes.fill_between(times, values, color=in_turn(index), alpha=0.08)
    if self.defaults["custom"]["thresholdsStyle"]["mode"] != "off":
        for step in self.defaults["thresholds"]["steps"][1:]:
            axes.axhline(step["value"], color=figures.COLOURS[step["color"]], linestyle="--",
                         linewidth=0.9)
    axes.set_ylim(*vertical_limits(axes, self.defaults))
    in_bytes = self.defaults["unit"] == "bytes"
    axes.yaxis.set_major_locator(RoundBytes(5) if in_bytes else ticker.MaxNLocator(5))
    axes.yaxis.set_major_formatter(lambda value, _: figures.shown(value, self.defaults))


def vertical_limits(axes, defaults):
    low, high = axes.dataLim.y0, axes.dataLim.y1
    top = high * 1.08 if math.isfinite(high) and high > 0 else 1
    return low if math.isfinite(low) and low < 0 else 0, defaults.get("max", top)


class RoundBytes(ticker.MaxNLocator):
    """Ticks at round numbers of KiB, MiB, GiB."""

    def tick_values(self, low, high):
        unit = 1024 ** int(math.log(max(high, 1), 1024))
        return [unit * value for value in super().tick_values(low / unit, high / unit)]


def draw_stacked(self, axes):
    """Series may lack points: what is not there adds nothing."""
    count = round((self.end - self.start) / self.step) + 1
    times = [round(self.start + index * self.step, 3) for index in range(count)]
    floor = [0.0] * count
    for index, (_, series) in enumerate(self.series):
        known = {round(float(time), 3): float(text) for time, text in series["values"]}
        top = [low + finite(known.get(time, 0.0)) for time, low in zip(times, floor)]
        axes.fill_between([moment(time) for time in times], floor, top, color=in_turn(index),
                          alpha=0.55, linewidth=0)
        floor = top


def finite(number):
    return number if math.isfinite(number) else 0.0


def draw_stat(self):
    """Tiles side by side, or one above the other where that leaves more room."""
    tiles = self.series or [("", {"values": [[0, "nan"]], "metric": {}})]
    upright = self.high > self.wide
    for index, (name, series) in enumerate(tiles):
        wide = self.wide if upright else self.wide / len(tiles)
        high = (self.high - 26) / (len(tiles) if upright else 1)
        x = self.left + (0 if upright else index * wide)
        y = self.top + 26 + (index * high if upright else 0)
        draw_tile(self, (x + 2, y, wide - 4, high - 3), name, series)


def draw_tile(self, place, name, series):
    x, y, wide, high = place
    value = figures.last(series)
    self.page.rectangle(x, y, wide, high, figures.colour(value, self.defaults) + "cc")
    named = self.panel["options"]["textMode"] == "value_and_name" and name
    text = figures.shown(value, self.defaults)
    size = min(22, 0.85 * wide / max(len(text), 1), high / 2.4)
    self.page.text(x + wide / 2, y + high * (0.42 if not named else 0.34) - size * 0.7, text, size,
                   "white", ha="center", weight="bold")
    if named:
        self.page.text(x + wide / 2, y + high * 0.66, name, min(9, 1.6 * wide / len(name)), "white",
                       ha="center")
    if self.panel["options"]["graphMode"] == "area":
        draw_sparkline(self, place, series)


def draw_sparkline(self, place, series):
    x, y, wide, high = place
    axes = self.page.axes(x, y + high * 0.62, wide, high * 0.36)
    times, values = points(series)
    axes.fill_between(times, values, color="white", alpha=0.35, linewidth=0)
    axes.set_xlim(moment(self.start), moment(self.end))
    axes.set_ylim(0, max([value for value in values if math.isfinite(value)] + [1e-9]) * 1.05)
    axes.set_axis_off()


def draw_bars(self):
    entries = [(name, figures.last(series)) for name, series in self.series][:16]
    longest = max(len(name) for name, _ in entries)
    axes = self.inner(left=16 + min(5.6 * longest, self.wide / 2), right=62)
    most = self.defaults.get("max") or max([value for _, value in entries
                                            if math.isfinite(value)] + [1e-9])
    for index, (name, value) in enumerate(entries):
        axes.barh(index, most, color=GRID, height=0.62)
        axes.barh(index, min(finite(value), most), height=0.62,
                  color=figures.colour(value, self.defaults))
        axes.text(most * 1.02, index, figures.shown(value, self.defaults), va="center", fontsize=8,
                  color=figures.colour(value, self.defaults), clip_on=False)
    axes.set_xlim(0, most)
    axes.set_ylim(max(len(entries), 4) - 0.4, -0.6)
    axes.set_yticks(range(len(entries)), [name for name, _ in entries], fontsize=7, color=TEXT)
    axes.set_xticks([])


def draw_gauge(self):
    axes = self.inner()
    value = figures.last(self.series[0][1])
    share = min(max(finite(value) / self.defaults.get("max", 1), 0), 1)
    for width, colour in ((1, GRID), (share, figures.colour(value, self.defaults))):
        axes.add_patch(patches.Wedge((0, 0), 1, 180 - 180 * width, 180, width=0.28, color=colour))
    axes.text(0, 0.05, figures.shown(value, self.defaults), ha="center", fontsize=15, color=TEXT)
    axes.set_xlim(-1.15, 1.15)
    axes.set_ylim(-0.3, 1.1)
    axes.set_aspect("equal")
    axes.set_axis_off()


def draw_timeline(self):
    words = [option for mapping in self.defaults["mappings"] if mapping["type"] == "value"
             for option in mapping["options"].values()]
    names = [(figures.COLOURS[word["color"]], word["text"]) for word in words]
    longest = max(len(name) for name, _ in self.series)
    axes = self.inner_over_time(16 + min(5.6 * longest, self.wide / 2), names)
    for index, (_, series) in enumerate(self.series):
        for begin, end, value in stretches(series):
            axes.barh(index, moment(end) - moment(begin), left=moment(begin), height=0.8,
                      color=figures.colour(value, self.defaults), alpha=0.85)
    axes.set_ylim(len(self.series) - 0.4, -0.6)
    size = 7 if len(self.series) < 14 else 5
    axes.set_yticks(range(len(self.series)), [name for name, _ in self.series], fontsize=size,
                    color=TEXT)
    axes.grid(False)


def stretches(series):
    """(begin, end, value) of neighbouring points that are the same; gaps stay."""
    values = [(float(time), float(text)) for time, text in series["values"]]
    steps = [after[0] - before[0] for before, after in zip(values, values[1:])]
    step = min(steps, default=15)
    made = []
    for time, value in values:
        if made and made[-1][2] == value and time - made[-1][1] <= step * 0.5:
            made[-1][1] = time + step
        else:
            made.append([time, time + step, value])
    return made


def draw_heatmap(self):
    """Prometheus' buckets hold all below them: each row is the difference to the one before."""
    rows = sorted(self.series, key=lambda each: float(each[1]["metric"]["le"]))
    times = sorted({float(time) for _, series in rows for time, _ in series["values"]})
    below = [0.0] * len(times)
    cells = []
    for _, series in rows:
        known = {float(time): float(text) for time, text in series["values"]}
        total = [finite(known.get(time, 0.0)) for time in times]
        cells.append([math.sqrt(max(new - old, 0)) for new, old in zip(total, below)])
        below = total
    axes = self.inner_over_time(64, [])
    axes.pcolormesh([moment(time) for time in times], range(len(rows)),
                    [[value or math.nan for value in line] for line in cells],
                    cmap="Oranges", shading="nearest")
    unit = self.panel["options"]["yAxis"]["unit"]
    axes.set_yticks(range(len(rows)), [upper_bound(series, unit) for _, series in rows], fontsize=6)
    axes.grid(False)


def upper_bound(series, unit):
    limit = float(series["metric"]["le"])
    if not math.isfinite(limit):
        return "more"
    return figures.duration(limit) if unit == "s" else f"{limit:g}"


def draw_table(self):
    organised = next(each["options"] for each in self.panel["transformations"]
                     if each["id"] == "organize")
    labels = [name for name in organised["renameByName"]
              if any(name in series["metric"] for _, series in self.series)]
    lines = [[organised["renameByName"][name] for name in labels]]
    lines += [[series["metric"].get(name, "") for name in labels] for _, series in self.series]
    widths = [max(len(line[column]) for line in lines) + 2 for column in range(len(labels))]
    room = int((self.high - 36) / 18)
    for index, line in enumerate(lines[:room]):
        x = self.left + 10
        for text, width in zip(line, widths):
            self.page.text(x, self.top + 30 + 18 * index, text, 8, FAINT if index == 0 else TEXT)
            x += (self.wide - 20) * width / max(sum(widths), 1)


DRAW = {"timeseries": draw_timeseries, "stat": draw_stat, "bargauge": draw_bars,
        "gauge": draw_gauge, "state-timeline": draw_timeline, "heatmap": draw_heatmap,
        "table": draw_table}


def picture(dashboard, asking, path):
    page = Page(dashboard)
    start = asking.end - asking.seconds
    page.text(12, 12, dashboard["title"], 15, weight="bold")
    page.text(12, 36, dashboard["description"], 9, FAINT)
    when = f"{moment(start):%Y-%m-%d %H:%M:%S} to {moment(asking.end):%H:%M:%S} UTC"
    page.text(page.wide - 12, 16, when, 9, FAINT, ha="right")
    for panel in dashboard["panels"]:
        if panel["type"] == queries.ROW:
            y = panel["gridPos"]["y"] * ROW + HEAD + 12
            page.text(10, y, panel["title"], 11, weight="bold")
        else:
            answers = [(target, asking.series(target)) for target in panel["targets"]]
            Drawing(page, panel, answers).draw(start, asking.end, asking.step)
    page.figure.savefig(path, facecolor=CANVAS)
    pyplot.close(page.figure)
