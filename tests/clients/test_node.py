"""npm's imapflow: it uses whatever of IMAP is announced."""
import base64
import json
import os
import shutil
import subprocess
import tempfile

import pytest

from debian import CACHE
from host import Host, wait_until

VERSION = "1.7.8"
ALICE, BOB = "alice@mx.example.org", "bob@mx.example.org"
PICTURE = bytes(range(256)) * 20

SCRIPT = r"""
const { ImapFlow } = require('imapflow');
const fs = require('fs');
const all = async (stream) => {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString('base64');
};
(async () => {
  const [address, port, name, user, ca] = process.argv.slice(1);
  const told = {};
  const c = new ImapFlow({ host: address, port: Number(port), secure: true,
    auth: { user, pass: 'secret' }, logger: false,
    servername: name, tls: { ca: fs.readFileSync(ca) } });
  await c.connect();
  await c.mailboxCreate('Sent');
  await c.mailboxSubscribe('Sent');
  told.list = (await c.list({ statusQuery: { messages: true } })).map(
    (m) => [m.path, m.specialUse || '', m.status.messages]);
  let lock = await c.getMailboxLock('INBOX');
  const one = await c.fetchOne('1', { uid: true, envelope: true,
    bodyStructure: true, source: true, internalDate: true, size: true });
  told.subject = one.envelope.subject;
  told.from = one.envelope.from[0].address;
  told.parts = one.bodyStructure.childNodes.map((n) => n.type);
  told.size = [one.size, one.source.length];
  told.picture = await all((await c.download('1', '2')).content);
  told.text = await all((await c.download('1', '1')).content);
  await c.messageFlagsAdd('1', ['\\Flagged', '$Seen-here']);
  told.flagged = await c.search({ keyword: '$seen-HERE', flagged: true });
  told.found = await c.search({ body: 'gr\u00fc\u00dfe' }, { uid: true });
  const exists = new Promise((done) => c.once('exists', done));
  console.log('WAIT');
  const idle = c.idle();
  told.exists = (await exists).count;
  await c.noop();
  await idle;
  told.appended = (await c.append('Sent', 'Subject: sent\r\n\r\nx\r\n',
    ['\\Seen'])).uid;
  told.moved = (await c.messageMove('1', 'Sent')).uidMap.size;
  lock.release();
  lock = await c.getMailboxLock('Sent');
  told.sent = [];
  for await (const m of c.fetch('1:*', { envelope: true, flags: true }))
    told.sent.push([m.envelope.subject, [...m.flags].sort()]);
  await c.messageDelete('1:*');
  told.left = c.mailbox.exists;
  lock.release();
  await c.logout();
  console.log(JSON.stringify(told));
})().catch((e) => { console.error(e); process.exit(1); });
"""


def installed(package, version):
    """A folder whose node_modules has it; fetched at most once."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("no node")
    root = os.path.join(CACHE, f"npm-{package}-{version}")
    if os.path.exists(root):
        return root
    os.makedirs(CACHE, exist_ok=True)
    new = tempfile.mkdtemp(dir=CACHE)
    try:
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
             "--silent", f"{package}@{version}"], cwd=new, timeout=120,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.returncode != 0:
        shutil.rmtree(new)
        pytest.skip(f"{package}: cannot be fetched")
    try:
        os.rename(new, root)
    except OSError:                 # somebody else was quicker
        shutil.rmtree(new)
    return root


def message(subject):
    picture = base64.encodebytes(PICTURE).decode()
    return (f"From: Alice <{ALICE}>\nTo: {BOB}\nSubject: {subject}\n"
            "Date: Tue, 24 Nov 2026 12:00:00 +0000\nMIME-Version: 1.0\n"
            'Content-Type: multipart/mixed; boundary="=_b"\n\n'
            "--=_b\nContent-Type: text/plain; charset=utf-8\n"
            "Content-Transfer-Encoding: 8bit\n\ngrüße\n.dot\n"
            "--=_b\nContent-Type: image/png; name=a.png\n"
            "Content-Transfer-Encoding: base64\n"
            "Content-Disposition: attachment; filename=a.png\n\n"
            f"{picture}\n--=_b--\n").encode()


def put(host, name, text):
    maildir = host.maildir(BOB)
    path = maildir / "tmp" / name
    path.write_bytes(text)
    os.chown(path, host.users[BOB], host.users[BOB])
    path.rename(maildir / "new" / name)


def test_imapflow():
    root = installed("imapflow", VERSION)
    with Host(users={"alice": "secret", "bob": "secret"},
              services=("auth", "imap")) as host:
        first = message("=?utf-8?q?caf=C3=A9?=")
        put(host, "1764000000.M1P1.mx", first)
        with subprocess.Popen(
                ["node", "-e", SCRIPT, host.address,
                 str(host.ports["imaps"]), host.name, BOB, host.ca], text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env={"NODE_PATH": root + "/node_modules",
                     "PATH": os.environ["PATH"]}) as node:
            try:
                line = node.stdout.readline()
                assert line == "WAIT\n", line + node.stderr.read()
                put(host, "1764000001.M2P1.mx", message("another"))
                out, errors = node.communicate(timeout=60)
            finally:
                node.kill()
        assert node.returncode == 0, errors
        told = json.loads(out)
        assert sorted(told["list"]) == [["INBOX", "\\Inbox", 1],
                                        ["Sent", "\\Sent", 0]]
        assert told["subject"] == "café" and told["from"] == ALICE
        assert told["parts"] == ["text/plain", "image/png"]
        assert told["size"] == [len(first.replace(b"\n", b"\r\n"))] * 2
        assert base64.b64decode(told["picture"]) == PICTURE
        assert base64.b64decode(told["text"]).decode().split() == \
            ["grüße", ".dot"]
        assert told["flagged"] == [1] and told["found"] == [1]
        assert told["exists"] == 2 and told["moved"] == 1
        assert told["appended"] == 1
        assert sorted(s for s, _ in told["sent"]) == ["café", "sent"]
        assert ["\\Flagged"] == [f for _, flags in told["sent"]
                                 for f in flags if f == "\\Flagged"]
        assert told["left"] == 0
        wait_until(lambda: not host.mail(BOB, "Sent"), 30, "the removal")
        assert len(host.mail(BOB)) == 1
