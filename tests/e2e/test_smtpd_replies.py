"""Every reply that smtpd can give stands in its manual page, and nothing else."""
import pathlib
import re

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def in_source():
    """{text: whether it counts as bad} of the table in reply.c."""
    text = (REPOSITORY / "smtpd/reply.c").read_text()
    table = text[text.index("replies[SMTP_REPLIES]"):text.index("};")]
    rows = re.findall(r"\[SMTP_R_\w+\] = \{((?:\s*\"[^\"]*\")+),\s*"
                      r"(true|false)\}", table)
    assert len(rows) == table.count("[SMTP_R_")
    return {"".join(re.findall(r'"([^"]*)"', strings)): is_bad == "true"
            for strings, is_bad in rows}


def in_page():
    page = (REPOSITORY / "doc/man/smtpd.8").read_text()
    section = page[page.index(".Sh REPLIES"):page.index(".Sh FILES")]
    return {text: star == " *" for text, star in
            re.findall(r'^\.It Li "(.*)"( \*)?$', section, re.M)}


def test_the_table_is_whole_and_true():
    assert in_page() == in_source()


def test_no_reply_is_written_elsewhere():
    """Lines of several replies apart, whose codes are not of the table."""
    for path in sorted((REPOSITORY / "smtpd").glob("*.c")):
        if path.name in ("reply.c", "judge.c"):
            continue
        for line in path.read_text().splitlines():
            for code in re.findall(r'"([2-5]\d\d[ -])', line):
                known = {"hello.c": {"250-", "250 "},
                         "submit_auth.c": {"334 "},
                         "front.c": {"421 "}, "smtpd.c": {"421 "}}
                assert code in known.get(path.name, ()), (path.name, line)
