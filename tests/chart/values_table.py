"""The table of values in the chart's README, out of the comments of values.yaml.

usage: values_table.py          prints it
       values_table.py --write  puts it into the README
"""
import re
import sys

sys.dont_write_bytecode = True
import chart  # noqa: E402

README = chart.CHART / "README.md"
BEGIN, END = "<!-- values: written by tests/chart/values_table.py -->\n", "<!-- /values -->"
LINE = re.compile(r"^( *)([A-Za-z][\w-]*):(?: +((?:[^#]|#(?!\s)|(?<!\s)#)*?))?(?:\s+# ?(.*))?$")


def rows():
    """(key, default or '', meaning) of each line of values.yaml that says something."""
    path, comments = [], []
    for line in (chart.CHART / "values.yaml").read_text().splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            comments.append(stripped.lstrip("# "))
            continue
        match = LINE.match(line)
        if not match:
            comments = []
            continue
        indent, key, default, behind = match.groups()
        path = path[:len(indent) // 2] + [key]
        meaning = " ".join(comments + ([behind] if behind else []))
        comments = []
        if default or meaning:
            yield ".".join(path), default or "", meaning


def cell(text):
    return text.replace("|", "\\|")


def table():
    lines = ["| value | default | |", "|---|---|---|"]
    lines += [f"| `{key}` | {'`' + cell(default) + '`' if default else ''} | {cell(meaning)} |"
              for key, default, meaning in rows() if key != "#"]
    return "\n".join(lines) + "\n"


def with_table(text):
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


def main():
    if "--write" in sys.argv:
        README.write_text(with_table(README.read_text()))
    else:
        print(table(), end="")


if __name__ == "__main__":
    main()
