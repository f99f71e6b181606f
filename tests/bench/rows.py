"""Groups of rows, each got by one run of one system."""


class Row:
    def __init__(self, key, label, unit):
        self.key = key
        self.label = label
        self.unit = unit


class Group:
    """Rows that one run gives.

    kind     which systems it is for: see system.System
    run      function(bench, system) -> {row key: value}
    once     its values do not vary: one round is enough
    usual    part of the run when no groups are named
    """

    def __init__(self, name, kind, rows, run, once=False, usual=True):
        self.name = name
        self.kind = kind
        self.rows = [Row(*row) for row in rows]
        self.run = run
        self.once = once
        self.usual = usual
