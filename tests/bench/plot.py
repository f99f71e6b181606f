#!/usr/bin/python3
"""Draw the figures of a bench beside the rivals', as an SVG.

usage: plot.py RESULTS.json OUTPUT.svg

RESULTS is what bench.py --json has written. Each row is a pair of bars: ours
and that of the best rival that has the row, both in parts of the better one,
so that longer is better whatever the unit; the numbers stand beside them.
Needs gnuplot.
"""
import json
import os
import subprocess
import sys
import tempfile

OURS = "kereru"
# group, row, what is said, unit, more is better
ROWS = (
    ("intake1", "accepted", "SMTP in, 1 session", "msg/s", True),
    ("intake10", "accepted", "SMTP in, 10 sessions", "msg/s", True),
    ("intake100", "accepted", "SMTP in, 100 sessions", "msg/s", True),
    ("intake100", "delivered", "into maildirs, 100 sessions", "msg/s", True),
    ("connect", "accepted", "a connection for each message", "msg/s", True),
    ("relay", "relayed", "on to another host", "msg/s", True),
    ("intake10", "cpu", "CPU for a message", "ms", False),
    ("imap", "select-first", "IMAP: SELECT, first time", "ms", False),
    ("imap", "select-warm", "IMAP: SELECT, again", "ms", False),
    ("imap", "envelope-warm", "IMAP: all envelopes, again", "ms", False),
    ("imap", "body-warm", "IMAP: all bodies", "ms", False),
    ("idle100", "idle-pss", "memory of an idle client, of 100", "KiB", False),
    ("idle1000", "login-pss", "memory of a client, of 1000", "KiB", False),
)


def read(path):
    """{(group, row): {system: median}}"""
    with open(path) as f:
        document = json.load(f)
    values = {}
    for row in document["rows"]:
        if row["median"] is not None:
            values.setdefault((row["group"], row["row"]), {})[
                row["system"]] = row["median"]
    return document, values


def number(value):
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def bars(values):
    """(label, ours, theirs, text of ours, text of theirs) of each row."""
    found = []
    for group, row, label, unit, more in ROWS:
        have = values.get((group, row), {})
        rivals = {k: v for k, v in have.items() if k != OURS and v > 0}
        if have.get(OURS, 0) <= 0 or not rivals:
            continue
        name = (max if more else min)(rivals, key=rivals.get)
        mine, theirs = have[OURS], rivals[name]
        best = (max if more else min)(mine, theirs)
        parts = [v / best if more else best / v for v in (mine, theirs)]
        found.append((label, *parts, f"{number(mine)} {unit}",
                      f"{number(theirs)} {unit} ({name})"))
    return found


def script(found, document, output):
    versions = document.get("versions", {})
    title = ", ".join(versions[k] for k in sorted(
        versions, key=lambda k: (k != OURS, k)) if k in versions)
    facts = document.get("facts", {})
    lines = [
        f"set terminal svg size 860,{90 + 46 * len(found)} dynamic "
        "font 'sans-serif,12' background '#ffffff'",
        f"set output {quote(output)}",
        f"set title {quote(title)} noenhanced",
        "set label 1 " + quote(f"{facts.get('cpus', '?')} processors, kernel "
                               f"{facts.get('kernel', '?')}; longer is better")
        + " at screen 0.5, 0.02 center noenhanced",
        "set style fill solid 1.0 noborder", "set key top right outside "
        "horizontal", "set border 1", "set xrange [0:1.55]", "unset xtics",
        f"set yrange [{len(found) - 0.4}:-0.6]", "set ytics nomirror scale 0",
        "set lmargin 34", "set bmargin 3"]
    ticks = ", ".join(f"{quote(b[0])} {i}" for i, b in enumerate(found))
    lines.append(f"set ytics ({ticks}) noenhanced")
    for i, b in enumerate(found):
        for part, text, at in ((b[1], b[3], -0.18), (b[2], b[4], 0.2)):
            lines.append(f"set label {quote(text)} at {part + 0.02:.4f},"
                         f"{i + at} left font ',11' noenhanced")
    lines.append("$data << END")
    lines += [f"{i} {b[1]:.4f} {b[2]:.4f}" for i, b in enumerate(found)]
    lines += ["END", "plot $data using (0):($1-0.18):(0):2:($1-0.34):($1-0.02)"
              " with boxxyerror lc rgb '#2f7d4f' title 'Kereru', "
              "$data using (0):($1+0.2):(0):3:($1+0.04):($1+0.36) "
              "with boxxyerror lc rgb '#9a9a9a' title 'the best of others'"]
    return "\n".join(lines) + "\n"


def quote(text):
    return "'" + str(text).replace("'", "''").replace("\n", " ") + "'"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.split("\n\n")[1])
    document, values = read(sys.argv[1])
    found = bars(values)
    if not found:
        sys.exit("plot.py: no row that we and a rival have")
    with tempfile.TemporaryDirectory() as folder:
        plan = os.path.join(folder, "plan")
        with open(plan, "w") as f:
            f.write(script(found, document, sys.argv[2]))
        sys.exit(subprocess.run(["gnuplot", plan]).returncode)


if __name__ == "__main__":
    main()
