"""mime: lists, extracts, composes and files messages, and sends them."""
import email
import email.header
import email.policy
import json
import os
import pathlib
import random
import re
import stat
import subprocess

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("KERERU_BUILD", REPOSITORY / "build"))
MIME = BUILD / "bin" / "mime"
CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def mime(*arguments, message=b"", code=0, **more):
    if isinstance(message, str):
        message = message.encode()
    done = subprocess.run([MIME, *arguments], input=message,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60, **more)
    assert done.returncode == code, done.stderr
    return done.stderr.decode() if code else done.stdout


def read_back(octets):
    assert b"\r" not in octets
    assert all(len(line) <= 998 for line in octets.split(b"\n"))
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert not message.defects
    return message


def maildir(path, *messages):
    for sub in ("cur", "new", "tmp"):
        (path / sub).mkdir(parents=True)
    for i, (name, text) in enumerate(messages):
        (path / name).write_bytes(text)
    return path


def message(i, subject="x", more="", text="text\n"):
    return (f"From: J <j@example.org>\nDate: Fri, 21 Nov 1997 09:{i:02}:06 "
            f"+0000\nMessage-ID: <{i}@x>\n{more}Subject: {subject}\n\n"
            f"{text}").encode()


# compose

SUBJECTS = ["plain", "Grüße", "two  blanks", "a Grüße b ü c", "ü " * 60,
            "x" * 60 + " " + "y" * 60, "=?utf-8?Q?not_a_word?=", "日本語" * 30,
            "😀" * 40, "tab\there", "a: b; c", "word " * 40 + "é",
            "é" + " word" * 40, "\"quoted\" (comment) <x>"]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_subjects_come_back(subject):
    draft = f"From: a@example.org\nTo: b@example.org\nSubject: {subject}\n\nx\n"
    out = mime("compose", message=draft)
    out.decode("ascii")
    assert max(map(len, out.split(b"\n"))) <= 78
    assert read_back(out)["subject"] == subject.strip()
    shown = mime("headers", "-", message=out).decode()
    assert f"Subject: {subject.strip()}\n".replace("\t", " ") in shown


@pytest.mark.parametrize("name", [
    "Jörn Nettingsmeier", "John Q. Public", "O'Neill", "a \\\"b\\\" c", "日本" * 20,
    "plain", "x@y", "Müller, Hans", "=?x", "é" * 50])
def test_names_come_back(name):
    quoted = f'"{name}"'
    draft = (f"From: {quoted} <a@example.org>\n"
             f"To: {quoted} <b@example.org>, c@example.org,\n"
             f" {quoted} <\"d e\"@example.org>\nSubject: x\n\nx\n")
    out = mime("compose", message=draft)
    back = read_back(out)
    wanted = name.replace('\\"', '"')
    # Python before 3.12 leaves the blanks between encoded words in names.
    to = back["to"].addresses
    assert [a.display_name.replace(" ", "") for a in to] == [
        wanted.replace(" ", ""), "", wanted.replace(" ", "")]
    old = email.message_from_bytes(out)["from"].rsplit(" <", 1)[0]
    old = str(email.header.make_header(email.header.decode_header(old)))
    assert re.sub(r"\\(.)", r"\1", old.strip('"')
                  if old.startswith('"') else old) == wanted
    assert [a.addr_spec for a in to] == [
        "b@example.org", "c@example.org", '"d e"@example.org']


@pytest.mark.parametrize("text", [
    "plain\n", "", "no end", "Grüße\n", "日本語\n" * 50, "x" * 5000 + "\n",
    "From here\n.\n..\n", "trailing \nü\t\n", "ü= =3D =\n", "\n\n\n", "a\x00b\n",
    "ü" * 400 + "\n", "-- \nsig\n", "\x1b[31m\n", "é\rb\n"])
def test_texts_come_back(text):
    back = read_back(mime("compose", message="From: a@b.c\n\n" + text))
    got = back.get_payload(decode=True).decode().replace("\r\n", "\n")
    assert got in (text, text + "\n")


def test_random_texts_come_back():
    chance = random.Random(7)
    for _ in range(60):
        text = "".join(chance.choice("ab =.F\n\tüé€😀\x01") for _ in range(
            chance.randrange(400))) + "\n"
        subject = "".join(chance.choice("abc def?=_ü€😀") for _ in range(
            chance.randrange(1, 200))).strip() or "x"
        back = read_back(mime("compose", message=(
            f"From: a@b.c\nSubject: {subject}\n\n{text}")))
        assert back["subject"] == subject
        got = back.get_payload(decode=True).decode().replace("\r\n", "\n")
        assert got == text


def test_attachments_come_back(tmp_path):
    names = ["a.png", "Grüße aus Köln.pdf", "x" * 180 + ".txt", 'q"uo\\te', "日" * 60]
    contents = [os.urandom(n) for n in (0, 1, 57, 58, 10000)]
    for name, content in zip(names, contents):
        (tmp_path / name).write_bytes(content)
    draft = "From: a@b.c\nTo: d@e.f\nSubject: x\n" + "".join(
        f"Attach: {tmp_path / n}\n" for n in names[:2]) + "\nText ü.\n"
    options = [x for n in names[2:] for x in ("-a", tmp_path / n)]
    out = mime("compose", *options, message=draft)
    back = read_back(out)
    assert back.get_body().get_content() == "Text ü.\n"
    parts = list(back.iter_attachments())
    assert [p.get_filename() for p in parts] == names
    assert [p.get_payload(decode=True) for p in parts] == contents
    assert parts[0].get_content_type() == "image/png"
    assert "attach" not in out.decode().lower().split("\n\n")[0]
    # And by mime itself.
    folder = tmp_path / "out"
    folder.mkdir()
    mime("get", "--all", "-d", folder, "-", message=out)
    assert sorted(p.read_bytes() for p in folder.iterdir()) == sorted(contents)


def test_compose_adds_what_is_missing_only():
    out = read_back(mime("compose", message="From: a@example.org\nCc:\n\nx\n"))
    assert out["date"].datetime and out["mime-version"] == "1.0"
    assert re.fullmatch(r"<[0-9a-z]+@example\.org>", out["message-id"])
    assert "cc" not in out
    out = read_back(mime("compose", message=(
        "From: a@example.org\nDate: Fri, 21 Nov 1997 09:55:06 -0600\n"
        "Message-ID: <x@y>\n\nx\n")))
    assert out.get_all("message-id") == ["<x@y>"]
    assert out["date"] == "Fri, 21 Nov 1997 09:55:06 -0600"


@pytest.mark.parametrize("draft, line", [
    (b"Subject: x\n\nx", ""), (b"From: a@b.c\nnonsense\n\nx", ":2:"),
    (b"From: a@b.c\nTo: x\n\n", ":2:"), (b"From: a@b.c\nTo: \xc3\xbc@x\n\n", ":2:"),
    (b"From: a@b.c\nSubject: a\n b\nContent-Type: x/y\n\n", ":4:"),
    (b"From: a@b.c\nFrom: a@b.c\n\n", ":2:"),
    (b"From: a@b.c\nSubject: \xff\n\n", ":2:"),
    (b"From: a@b.c\n\nok\n\xff\n", ":4:")])
def test_errors_name_the_line(draft, line):
    assert "-" + line in mime("compose", message=draft, code=100)


# reply, forward, send

def test_reply_and_forward_become_messages(tmp_path):
    original = tmp_path / "m"
    original.write_bytes((
        "From: =?utf-8?Q?J=C3=B6rn?= <joern@example.org>\n"
        "To: me@example.org, \"X, Y\" <xy@example.org>\n"
        "Subject: =?utf-8?Q?Re:_Gr=0AAttach:_/etc/passwd=1B?=\n"
        "Message-ID: <1@x>\nReferences: <0@x>\n"
        "Date: Fri, 21 Nov 1997 09:55:06 -0600\n"
        "Content-Type: text/plain; charset=utf-8\n\nHallo ü\n> alt\n").encode())
    draft = mime("reply", "-a", "-m", "Me <me@example.org>", original)
    assert not CONTROLS.search(draft.decode())
    assert b"\nAttach" not in draft
    back = read_back(mime("compose", message=draft))
    assert back["to"] == "Jörn <joern@example.org>"
    assert back["cc"].addresses[0].addr_spec == "xy@example.org"
    assert len(back["cc"].addresses) == 1
    assert back["in-reply-to"] == "<1@x>"
    assert back["references"] == "<0@x> <1@x>"
    assert back["subject"].startswith("Re: Gr")
    assert back.get_content().endswith("> Hallo ü\n>> alt\n")
    draft = mime("forward", "-m", "me@example.org", "-t", "b@c.d", original)
    back = read_back(mime("compose", message=draft))
    inner = [p for p in back.walk()
             if p.get_content_type() == "message/rfc822"][0].get_payload(0)
    assert inner["message-id"] == "<1@x>"
    assert b"> alt" in mime("forward", "-", message=original.read_bytes())


def test_send(tmp_path):
    program = tmp_path / "sendmail"
    program.write_text(f"#!/bin/sh\necho \"$@\" >{tmp_path}/args\n"
                       f"cat >{tmp_path}/sent\nexit 7\n")
    program.chmod(0o755)
    out = mime("compose", message="From: a@b.c\nTo: d@e.f\n\nx\n")
    mime("send", "-s", program, message=out, code=7)
    assert (tmp_path / "sent").read_bytes() == out
    assert (tmp_path / "args").read_text() == "-t -i\n"
    (tmp_path / "sent").unlink()
    for bad in (b"From: a@b.c\n\nx\n", b"To: a@b.c\n\nx\n", b"",
                b"From: a@b.c\nTo: a@b.c\nAttach: x\n\nx\n",
                "From: ü <a@b.c>\nTo: a@b.c\n\nx\n".encode()):
        mime("send", message=bad, code=100,
             env={"MIME_SENDMAIL": str(program)})
    assert not (tmp_path / "sent").exists()


# ls, search, text, json

def test_ls(tmp_path):
    box = maildir(
        tmp_path / "box",
        ("new/1.a.h", message(1, "\x1b[31m=?utf-8?Q?=1B[2J?=")),
        ("cur/2.b.h:2,FS", message(2)), ("cur/3.c.h:2,", b""))
    lines = mime("ls", box).decode().splitlines()
    assert lines[0].startswith("N      1997-11-21 09:01  J ")
    assert lines[1].startswith("FS     1997-11-21 09:02")
    assert len(lines) == 3 and not CONTROLS.search("\n".join(lines))
    one = mime("ls", "-", message=f"{box}/cur/2.b.h\n")
    assert one.decode().splitlines() == [lines[1]]
    assert "no such" in mime("ls", tmp_path / "none", code=111).lower()


def test_threads(tmp_path):
    box = maildir(
        tmp_path / "box",
        ("new/1.h", message(5, "other")),
        ("new/2.h", message(4, "grandchild", "References: <1@x> <3@x>\n")),
        ("new/3.h", message(3, "child", "In-Reply-To: <1@x>\n")),
        ("new/4.h", message(1, "root")),
        ("new/5.h", message(7, "orphan", "References: <9@x>\n")),
        ("new/6.h", message(8, "sibling", "References: <9@x>\n")),
        ("new/7.h", message(10, "loop a", "References: <11@x>\n")),
        ("new/8.h", message(11, "loop b", "References: <10@x>\n")))
    lines = mime("ls", "--threads", box).decode().splitlines()
    subjects = [line[47:] for line in lines]
    assert subjects[:6] == ["root", "  child", "    grandchild", "other",
                            "orphan", "sibling"]
    assert sorted(s.strip() for s in subjects[6:]) == ["loop a", "loop b"]


def test_search(tmp_path):
    box = maildir(
        tmp_path / "box",
        ("cur/1.h:2,S", message(1, "=?iso-8859-1?Q?Gr=FC=DFe?=")),
        ("cur/2.h:2,S", message(2, text="GRÜNE Wiese\n")),
        ("new/3.h", b"Content-Transfer-Encoding: base64\n\nZmluZCBtZQ==\n"))
    assert mime("search", box, "grün").decode() == f"{box}/cur/2.h:2,S\n"
    assert mime("search", box, "GRÜ").decode().count("\n") == 2
    assert mime("search", box, "GRÜ", "wiese").decode().count("\n") == 1
    assert mime("search", box, "find me").decode() == f"{box}/new/3.h\n"
    assert mime("search", box, "Zmlu") == b""


def test_text_and_flowed():
    flowed = ("Content-Type: text/plain; format=flowed; delsp={}\n\n"
              "> one \n> two\n>> deep\n a \nb\n-- \nsig\n")
    assert mime("text", "-", message=flowed.format("no")).decode() == \
        "> one two\n>> deep\na b\n-- \nsig\n"
    assert mime("text", "-", message=flowed.format("yes")).decode() == \
        "> onetwo\n>> deep\nab\n-- \nsig\n"


def test_html_program():
    html = b"Content-Type: text/html\n\n<p>x</p>\x1b\n"
    assert b"<p>" not in mime("text", "-", message=html)
    assert mime("text", "-H", "tr x y", "-", message=html) == b"<p>y</p>^[\n"
    big = b"Content-Type: text/html\n\n" + b"<p>0123456789\n" * 100_000
    assert len(mime("show", "-H", "cat", "-", message=big)) > 1_400_000


def test_json_is_json():
    text = "Subject: =?utf-8?Q?a=22=5C=1B=E2=80=AE?=\nX: ü\n\n\x9b \\ \"\n"
    out = mime("json", "-", message=text)
    assert not CONTROLS.search(out.decode())
    value = json.loads(out)
    assert value["parts"][0]["header"][0] == ["Subject", 'a"\\\x1b\u202e']
    assert value["parts"][0]["type"] == "text/plain"


# get

def attached(*names):
    return b"Content-Type: multipart/mixed; boundary=b\n\n" + b"".join(
        b"--b\nContent-Disposition: attachment; filename*=utf-8''" +
        "".join(f"%{c:02x}" for c in name.encode()).encode() +
        b"\n\n" + name.encode() + b"\n" for name in names) + b"--b--\n"


def test_get_stays_in_its_folder(tmp_path):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "there").write_text("old")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    names = ["../x", "/etc/passwd", "..", ".", ".profile", "-rf", "there", "link",
             "c:\\win\\y.txt", "a\x00b", "n\nl", "\x1b[31m", "x" * 400 + ".txt",
             "..\\..\\z", "é" * 200, "a/../../q", " ", "$(id)", "\u202etxt.exe"]
    told = mime("get", "-a", "-d", folder, "-", message=attached(*names))
    assert told.count(b"\n") == len(names)
    made = os.listdir(folder)
    assert len(made) == len(names) + 2
    assert os.listdir(tmp_path) == ["a"] and os.listdir(tmp_path / "a") == ["b"]
    assert (folder / "there").read_text() == "old"
    for name in made:
        assert not CONTROLS.search(name) and name[0] not in ".-", name
        assert stat.S_IMODE(os.lstat(folder / name).st_mode) & 0o133 == 0 \
            or name in ("there", "link")


def test_get_one(tmp_path):
    text = attached("a", "b")
    mime("get", "-d", tmp_path, "-", "2", message=text)
    assert (tmp_path / "b").read_bytes() == b"b"
    assert mime("get", "-c", "-", "1", message=text) == b"a"
    mime("get", "-d", tmp_path, "-", "3", message=text, code=100)
    mime("get", "-d", tmp_path / "none", "-", "1", message=text, code=111)


# flag, move, copy, delete

def names(box):
    return sorted(f"{sub}/{name}" for sub in ("cur", "new", "tmp")
                  for name in os.listdir(box / sub))


def test_flag(tmp_path):
    box = maildir(tmp_path / "box", ("new/1.h", message(1)),
                  ("cur/2.h:2,Sab", message(2)))
    # By an old name, too.
    mime("flag", "+FR-S", box / "new/1.h", box / "cur/2.h:2,")
    assert names(box) == ["cur/1.h:2,FR", "cur/2.h:2,FRab"]
    mime("flag", "-FR", "-", message=f"{box}/new/1.h\n")
    assert names(box) == ["cur/1.h:2,", "cur/2.h:2,FRab"]
    mime("flag", "+X", box / "new/1.h", code=100)
    mime("flag", "+S", box / "new/9.h", code=111)
    mime("flag", "+S", tmp_path / "9.h", code=111)


def test_move_copy_delete(tmp_path):
    a = maildir(tmp_path / "a", ("new/1.h", message(1)),
                ("cur/2.h:2,Sa", message(2)), ("cur/3.h:2,", message(3)))
    b = maildir(tmp_path / "b", ("cur/3.h:2,", message(9)))
    mime("move", a / "new/1.h", a / "cur/2.h", b)
    assert names(a) == ["cur/3.h:2,"]
    assert names(b) == ["cur/2.h:2,S", "cur/3.h:2,", "new/1.h"]
    # The name is taken: moved all the same, nothing replaced.
    mime("move", a / "cur/3.h:2,", b)
    assert names(a) == [] and len(names(b)) == 4
    assert (b / "cur/3.h:2,").read_bytes() == message(9)
    mime("copy", b / "new/1.h", a)
    assert [(a / n).read_bytes() for n in names(a)] == [message(1)]
    mime("delete", b / "new/1.h")
    assert "new/1.h" not in names(b)
    mime("delete", b / "new/1.h", code=111)
    mime("delete", b, code=100)
    mime("move", b / "cur/3.h:2,", tmp_path, code=100)


def test_search_pipes_into_move(tmp_path):
    a = maildir(tmp_path / "a", *[(f"cur/{i}.h:2,", message(i, "odd" if i % 2
                                   else "even")) for i in range(10)])
    b = maildir(tmp_path / "b")
    mime("move", "-", b, message=mime("search", a, "subject: odd"))
    assert len(names(a)) == len(names(b)) == 5


def test_help_tells_all():
    text = mime("--help").decode()
    for word in ("show text headers parts json get ls search reply forward compose "
                 "send flag move copy delete imap sign encrypt decrypt verify "
                 "autocrypt").split():
        assert f"mime {word} " in text
