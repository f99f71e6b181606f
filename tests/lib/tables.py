"""Tables that name tests, and whether these are there."""
import ast
import os
import re

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def capabilities(after_login):
    """capability -> (RFC, source, test), of doc/imap-extensions.md."""
    path = os.path.join(REPOSITORY, "doc", "imap-extensions.md")
    with open(path, encoding="utf-8") as f:
        after, before = f.read().split("\n## Before login\n")
    rows = [[c.strip() for c in line.strip("|").split("|")]
            for line in (after if after_login else before).splitlines()
            if line.startswith("| ")][2:]
    assert all(len(r) == 4 for r in rows)
    assert len({r[0] for r in rows}) == len(rows)
    return {r[0]: tuple(r[1:]) for r in rows}


def functions(path):
    """Names of the tests in a file."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if path.endswith(".c"):
        return set(re.findall(r"cmocka_unit_test\w*\((\w+)", text))
    return {n.name for n in ast.walk(ast.parse(text))
            if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")}


def missing(names):
    """Those of `e2e/test_x.py::test_y` that are not there."""
    known = {}
    for name in names:
        file, _, function = name.partition("::")
        path = os.path.join(REPOSITORY, "tests", file)
        if path not in known:
            known[path] = functions(path) if os.path.exists(path) else set()
        if function not in known[path]:
            yield name
