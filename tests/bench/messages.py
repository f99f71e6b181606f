"""A mailbox of many messages, the same for every system."""

import os
import shutil

TEXT = ("Thank you for the report. I could reproduce it on the machine in the "
        "office, and a fix is on its way.\n")

PLAIN = """\
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

{text}"""

ALTERNATIVE = """\
Content-Type: multipart/alternative; boundary="b{n}"

--b{n}
Content-Type: text/plain; charset=iso-8859-1; format=flowed
Content-Transfer-Encoding: quoted-printable

{text}
--b{n}
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

<p>{text}</p>
--b{n}--
"""

ATTACHED = """\
Content-Type: multipart/mixed; boundary="b{n}"

--b{n}
Content-Type: text/plain

{text}
--b{n}
Content-Type: application/octet-stream; name="report {n}.bin"
Content-Disposition: attachment; filename="report {n}.bin"; size=1500
Content-Transfer-Encoding: base64

{base64}
--b{n}--
"""

HEADER = """\
Return-Path: <sender{p}@sender.test>
Delivered-To: m0@bench.test
Received: from mail.sender.test (mail.sender.test [192.0.2.7])
\tby mx.bench.test with ESMTP id {n:08x}
\tfor <m0@bench.test>; Thu, 05 Mar 2009 11:{m:02d}:{s:02d} +1300
From: =?utf-8?Q?Person_N=C2=BA_{p}?= <sender{p}@sender.test>
To: <m0@bench.test>, "Other, {p}" <other{p}@example.test>
Cc: list@example.test
Subject: Re: [list] question number {n}, and what became of it
Date: Thu, 05 Mar 2009 11:{m:02d}:{s:02d} +1300
Message-ID: <{n:08x}.{p}@sender.test>
In-Reply-To: <{n:08x}.0@sender.test>
References: <{n:08x}.1@sender.test>
\t<{n:08x}.0@sender.test>
User-Agent: Thunderbird 2.0.0.19 (X11/20090113)
MIME-Version: 1.0
"""


def message(n):
    """The n-th message, 3 to 5 KB; its line ends are LF, as in a maildir."""
    body = (PLAIN, ALTERNATIVE, ATTACHED)[n % 3].format(
        n=n, text=TEXT * (12 + n % 17), base64=("QUJD" * 19 + "\n") * 20)
    head = HEADER.format(n=n, p=n % 211, m=n // 60 % 60, s=n % 60)
    return (head + body).encode()


def octets(count):
    """How long the first `count` messages are with CRLF, as IMAP sends them."""
    return sum(len(m) + m.count(b"\n") for m in map(message, range(count)))


def fill(maildir, uid, count):
    """Put the first `count` messages into cur, and nothing else."""
    cur = os.path.join(maildir, "cur")
    shutil.rmtree(cur, ignore_errors=True)
    os.mkdir(cur, 0o700)
    os.chown(cur, uid, uid)
    for n in range(count):
        flags = "S" if n % 4 else ""
        path = os.path.join(cur, f"{1236204000 + n}.M{n}P7.bench:2,{flags}")
        with open(path, "wb") as file:
            file.write(message(n))
            os.fchown(file.fileno(), uid, uid)
