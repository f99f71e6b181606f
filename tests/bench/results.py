"""The numbers of all rounds, as a table and as JSON."""

import json
import os
import platform
import statistics


class Results:
    def __init__(self):
        self.values = {}   # (system, group, row) -> list, one a round
        self.failures = []  # (system, group, what)
        self.versions = {}  # system -> text

    def add(self, name, group, values):
        for key, value in values.items():
            self.values.setdefault((name, group, key), []).append(value)

    def fail(self, name, group, what):
        self.failures.append((name, group, str(what)))

    def median(self, name, group, key):
        values = self.values.get((name, group, key))
        return statistics.median(values) if values else None

    def table(self, groups, ours, rivals):
        """Lines: a block for each rival, with the rows that it has.

        rivals   list of (name, kinds)
        """
        lines = []
        for rival, kinds in rivals:
            rows = [(g, r) for g in groups if g.kind in kinds for r in g.rows
                    if self.median(rival, g.name, r.key) is not None]
            if not rows:
                continue
            lines += ["", f"{'':46}{'':>10}{ours:>11}{rival:>14}{'ratio':>8}"]
            for group, row in rows:
                mine = self.median(ours, group.name, row.key)
                theirs = self.median(rival, group.name, row.key)
                lines.append(f"{row.label:46}{row.unit:>10}{_number(mine):>11}"
                             f"{_number(theirs):>14}{_ratio(mine, theirs):>8}")
        return lines

    def notes(self):
        lines = ["", "ratio: ours / theirs. More is better for msg/s, MB/s and "
                 "a second, less for everything else."]
        lines += [f"{name}: {text}" for name, text in self.versions.items()]
        lines += [f"FAILED {name} {group}: {what}"
                  for name, group, what in self.failures]
        return lines

    def write_json(self, path, facts):
        document = {
            "facts": facts, "versions": self.versions,
            "rows": [{"system": name, "group": group, "row": key,
                      "median": statistics.median(values), "rounds": values}
                     for (name, group, key), values in self.values.items()],
            "failures": [list(f) for f in self.failures]}
        with open(path, "w") as file:
            json.dump(document, file, indent=1)
            file.write("\n")


def machine():
    """What a reader must know to judge the numbers."""
    return {"kernel": platform.release(), "cpus": os.cpu_count(),
            "load": os.getloadavg()[0]}


def _number(value):
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _ratio(mine, theirs):
    if mine is None or theirs is None or theirs <= 0:
        return "-"
    return f"{mine / theirs:.2f}"
