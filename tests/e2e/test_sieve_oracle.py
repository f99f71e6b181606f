"""Tests of the Sieve language, judged by Pigeonhole's sieve-test as well."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from queuehost import BUILD  # noqa: E402

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="needs root"),
    pytest.mark.skipif(not shutil.which("sieve-test"),
                       reason="sieve-test is not installed")]
MAIL = b"""Return-Path: <coyote@desert.example.org>
Delivered-To: roadrunner+birds@acme.example.com
Received: from a by b; Mon, 1 Apr 2002 10:00:00 +0200
Received: from c by a; Mon, 1 Apr 2002 09:00:00 +0100
Date: Mon, 1 Apr 2002 16:30:00 -0700
From: coyote@desert.example.org
To: "Road, Runner" <roadrunner+birds@acme.example.com>,
\t=?utf-8?q?K=C3=AFm?= <kim@example.edu>, group: a@b.test;
Subject: I have a   present
 for you \t
X-Number: 0020 of them
X-Word: =?utf-8?q?gr=C3=BC=C3=9Fe?= =?iso-8859-1?q?_=E4?= end
X-Empty:
X-A: one
X-A: two
X-A: three
Message-ID: <1@desert>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

prologue
--b
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

MAKE MONEY F=C4ST
--b
Content-Type: text/html

<p>markup</p>
--b
Content-Type: application/x-thing
Content-Transfer-Encoding: base64

YmluYXJ5
--b--
"""
NUMERIC = ':comparator "i;ascii-numeric"'
QUESTIONS = [
    *(f'header :{how} "{name}" "{key}"' for name in (
        "subject", "X-Word", "X-Empty", "x-a", "none", "X-Number")
      for how, key in (
          ("is", ""), ("contains", ""), ("matches", "*"), ("matches", "?*"),
          ("is", "one"), ("contains", "present for"), ("matches", "I *you"),
          ("matches", "*t?o*"), ("is", "I have a   present for you"),
          ("is", "gr\u00fc\u00dfe \u00e4 end"), ("matches", "\\\\*"))),
    *(f'address :{part} :{how} "{name}" "{key}"'
      for part in ("all", "localpart", "domain", "user", "detail")
      for name in ("to", "from", "cc")
      for how, key in (
          ("contains", ""), ("is", "kim@EXAMPLE.edu"), ("is", "birds"),
          ("matches", "*.org"), ("is", "roadrunner"), ("is", "a"))),
    *(f'header :value "{relation}" {NUMERIC} "x-number" "{key}"'
      for relation in ("lt", "le", "eq", "ge", "gt", "ne")
      for key in ("19", "20", "21", "x", "")),
    *(f'{test} :count "{relation}" {NUMERIC} {names} "{key}"'
      for test in ("header", "address")
      for names in ('"to"', '["to", "from"]', '"sender"', '"cc"')
      for relation in ("eq", "ge") for key in ("0", "1", "2", "3", "4")),
    *(f'header :index {n}{last} "x-a" "{key}"' for n in (1, 2, 3, 4)
      for last in ("", " :last") for key in ("one", "two", "three")),
    *(f'date {zone} "date" "{part}" "{key}"' for zone in (
        ":originalzone", ':zone "+0200"', ':zone "-1130"')
      for part, key in (
          ("year", "2002"), ("month", "04"), ("day", "01"), ("day", "02"),
          ("hour", "16"), ("hour", "01"), ("minute", "30"), ("minute", "00"),
          ("weekday", "1"), ("weekday", "2"), ("julian", "52365"),
          ("julian", "52366"), ("date", "2002-04-01"), ("zone", "-0700"),
          ("time", "16:30:00"), ("second", "00"))),
    'date :value "ge" "date" "date" "2002-04-01"',
    'date "x-a" "year" "2002"',
    *(f'body :{kind} :contains "{key}"' for kind in (
        "text", "raw", 'content "application"', 'content "text/html"',
        'content "text"') for key in (
        "make money", "markup", "binary", "YmluYXJ5", "f\u00e4st")),
    *(f'{test} [{names}]' for test in ("exists", "not exists") for names in (
        '"from"', '"from", "none"', '"x-empty"')),
    'size :over 100', 'size :under 100', 'size :over 1M',
    'envelope :domain "from" "desert.example.org"',
    'envelope :detail "to" "birds"',
    'envelope :localpart :matches "from" "c?yot?"',
    'string :matches "a*b\\\\c" "a\\\\**\\\\\\\\c"',
    'allof (true, not false, anyof (false, true))',
]
REQUIRE = ('require ["fileinto", "mailbox", "relational", "index", "date", '
           '"body", "envelope", "subaddress", "variables", '
           '"comparator-i;ascii-numeric"];\n')
AT_ONCE = 60


def scripts():
    for start in range(0, len(QUESTIONS), AT_ONCE):
        yield REQUIRE + "".join(
            f'if {q} {{ fileinto :create "q{start + i}"; }}\n'
            for i, q in enumerate(QUESTIONS[start:start + AT_ONCE]))


@pytest.fixture
def place():
    """A folder that sieve-test can read as nobody."""
    with tempfile.TemporaryDirectory(prefix="sieve-") as folder:
        os.chmod(folder, 0o755)
        yield pathlib.Path(folder)


def test_they_agree(place):
    home = place / "box"
    for sub in "tmp", "new", "cur":
        (home / sub).mkdir(parents=True)
    (home / "new" / "1.x").write_bytes(MAIL)
    (place / "mail").write_bytes(MAIL)
    for path in (home, home / "new", home / "cur", home / "tmp"):
        os.chown(path, 65534, 65534)
    os.chown(home / "new" / "1.x", 65534, 65534)
    (place / "work").mkdir()
    os.chown(place / "work", 65534, 65534)
    ours, theirs = set(), set()
    for text in scripts():
        script = place / "work" / "s.sieve"
        script.write_text(text)
        done = subprocess.run(
            [os.path.join(BUILD, "bin", "kereru"), "sieve", "run", "-n",
             str(script), str(home)], capture_output=True, text=True)
        assert done.returncode == 0, (done.stdout, done.stderr)
        ours |= {int(n) for n in re.findall(r"into q(\d+)", done.stdout)}
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             "env", "-i", "PATH=" + os.environ["PATH"], "USER=nobody",
             "TZ=UTC", f"HOME={place}/work", "sieve-test",
             "-o", f"mail_location=maildir:{place}/work/box",
             "-o", "plugin/sieve_max_actions=0",
             "-f", "coyote@desert.example.org",
             "-a", "roadrunner+birds@acme.example.com",
             "-r", "roadrunner+birds@acme.example.com",
             str(script), str(place / "mail")],
            capture_output=True, text=True)
        assert done.returncode == 0, (done.stdout, done.stderr)
        theirs |= {int(n) for n in re.findall(r"folder: q(\d+)", done.stdout)}
    assert len(theirs) > 50
    different = sorted(ours ^ theirs)
    assert not different, [(QUESTIONS[n], n in ours) for n in different]
