"""uuencoded files in the middle of a text: listed, extracted, not shown."""
import base64
import binascii
import os
import pathlib
import quopri
import random
import subprocess

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("KERERU_BUILD", REPOSITORY / "build"))
OCTETS = random.Random(5).randbytes(5000)


def mime(*arguments, message, code=0, **more):
    done = subprocess.run([BUILD / "bin" / "mime", *arguments], input=message,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60, **more)
    assert done.returncode == code, done.stderr
    return done.stdout


def uuencoded(octets, name, end="\n"):
    lines = ["begin 644 " + name]
    for at in range(0, len(octets), 45):
        lines.append(binascii.b2a_uu(octets[at:at + 45], backtick=True)
                     .decode().rstrip("\n"))
    return "".join(line + end for line in (*lines, "`", "end"))


def text(end="\n"):
    return (f"Look here:{end}{end}" + uuencoded(OCTETS, "a photo.jpg", end)
            + f"between{end}begin 644 words{end}with no file{end}end{end}"
            + uuencoded(b"#!/bin/sh\n", "../../etc/x\x1b[31m.sh", end)
            + f"That is all{end}").encode()


def message(body, more="", encoding="7bit"):
    return (f"From: a@example.org\nSubject: x\n{more}"
            f"Content-Transfer-Encoding: {encoding}\n\n").encode() + body


FORMS = {
    "lf": lambda: message(text()),
    "crlf": lambda: message(text("\r\n")),
    "base64": lambda: message(base64.encodebytes(text()), encoding="base64"),
    "quoted": lambda: message(quopri.encodestring(text()),
                              encoding="quoted-printable"),
    "flowed": lambda: message(text(), "Content-Type: text/plain; "
                              "charset=utf-8; format=flowed\n"),
}


@pytest.mark.parametrize("form", FORMS)
def test_files_are_taken_out_of_the_text(form, tmp_path):
    octets = FORMS[form]()
    shown = mime("show", "-", message=octets).decode()
    assert f"\n[1:1 application/octet-stream uuencode {len(OCTETS)} octets " \
        'attachment "a photo.jpg"]\n' in shown
    assert "\n[1:2 application/octet-stream uuencode 10 octets " \
        'attachment "../../etc/x^[[31m.sh"]\n' in shown
    assert "\x1b" not in shown
    said = mime("text", "-", message=octets).decode().replace("\r", "")
    assert said == ("Look here:\n\nbetween\nbegin 644 words\nwith no file\n"
                    "end\nThat is all\n")
    assert shown.replace("\r", "").endswith("]\n\n" + said)
    parts = mime("parts", "-", message=octets).decode().splitlines()
    assert [line.split()[0] for line in parts] == ["1", "1:1", "1:2"]
    out = mime("get", "-a", "-", message=octets, cwd=tmp_path).decode()
    made = dict(line.split("\t") for line in out.splitlines())
    assert list(made) == ["1:1", "1:2"]
    assert sorted(made.values()) == sorted(os.listdir(tmp_path))
    assert made["1:1"].endswith(".jpg") and made["1:2"].startswith("x")
    assert (tmp_path / made["1:1"]).read_bytes() == OCTETS
    assert (tmp_path / made["1:2"]).read_bytes() == b"#!/bin/sh\n"
    assert (tmp_path / made["1:2"]).stat().st_mode & 0o777 == 0o600
    assert mime("get", "-c", "-", "1:1", message=octets) == OCTETS
    # Never replaced.
    again = mime("get", "-", "1:1", message=octets, cwd=tmp_path).decode()
    assert again.split("\t")[1].strip() not in made.values()


def test_what_there_is_not(tmp_path):
    octets = message(text())
    for number in ("1:3", "1:0", "1:", "1:x", "1:1x", "2:1", ":1",
                   "1:99999999999999999999999"):
        mime("get", "-", number, message=octets, code=100, cwd=tmp_path)
    assert not os.listdir(tmp_path)
    # Not in what is no text to be shown, nor what is a file by itself.
    for kind in ("text/html", "application/octet-stream"):
        html = message(text(), f"Content-Type: {kind}\n")
        assert b"1:1" not in mime("parts", "-", message=html)
    whole = message(uuencoded(OCTETS, "x").encode(), encoding="x-uuencode")
    assert b"1:1" not in mime("parts", "-", message=whole)


def test_a_text_of_words_stays_as_it_is():
    body = b"begin 644 x\n#0V%T\nno end\n"
    said = mime("show", "-", message=message(body))
    assert said.endswith(b"Subject: x\n\n" + body)


def test_answers_leave_them_out_and_forwards_keep_them():
    octets = message(text())
    assert b"a photo.jpg" not in mime("reply", "-", message=octets)
    assert b"begin 644 a photo.jpg" in mime("forward", "-", message=octets)
