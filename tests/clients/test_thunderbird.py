"""Debian's Thunderbird without a screen, driven through Marionette: a user logs
in, lists, opens a message with an attachment, sends one with another, and finds
it in Sent. It checks our certificate as NSS does. What it needs is in
tests/packages-soak."""
import base64
import contextlib
import imaplib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess

import pytest

from host import Host, wait_until

pytestmark = pytest.mark.soak

ALICE, BOB = "alice@mx.example.org", "bob@mx.example.org"
PICTURE = bytes(range(256)) * 20

PREFERENCES = """
user_pref("mail.accountmanager.accounts", "account1");
user_pref("mail.accountmanager.defaultaccount", "account1");
user_pref("mail.account.account1.server", "server1");
user_pref("mail.account.account1.identities", "id1");
user_pref("mail.server.server1.type", "imap");
user_pref("mail.server.server1.hostname", "{name}");
user_pref("mail.server.server1.port", {imaps});
user_pref("mail.server.server1.socketType", 3);
user_pref("mail.server.server1.authMethod", 3);
user_pref("mail.server.server1.userName", "{user}");
user_pref("mail.server.server1.name", "test");
user_pref("mail.server.server1.login_at_startup", false);
user_pref("mail.identity.id1.useremail", "{user}");
user_pref("mail.identity.id1.fullName", "Bob");
user_pref("mail.identity.id1.smtpServer", "smtp1");
user_pref("mail.identity.id1.fcc_folder", "imap://{escaped}@{name}/Sent");
user_pref("mail.identity.id1.valid", true);
user_pref("mail.smtpservers", "smtp1");
user_pref("mail.smtp.defaultserver", "smtp1");
user_pref("mail.smtpserver.smtp1.hostname", "{name}");
user_pref("mail.smtpserver.smtp1.port", {submits});
user_pref("mail.smtpserver.smtp1.try_ssl", 3);
user_pref("mail.smtpserver.smtp1.authMethod", 3);
user_pref("mail.smtpserver.smtp1.username", "{user}");
user_pref("marionette.port", {marionette});
user_pref("network.dns.forceResolve", "{address}");
user_pref("app.update.enabled", false);
user_pref("app.donation.eoy.version.viewed", 999);
user_pref("datareporting.policy.dataSubmissionPolicyBypassNotification", true);
user_pref("mail.provider.suppress_dialog_on_startup", true);
user_pref("mail.rights.version", 1);
user_pref("mail.spotlight.firstRunDone", true);
user_pref("mail.shell.checkDefaultClient", false);
user_pref("mailnews.start_page.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
"""

# Each is the body of an asynchronous function; a and b are its arguments.
START = """
const { MailServices } = ChromeUtils.importESModule(
  "resource:///modules/MailServices.sys.mjs");
const server = MailServices.accounts.accounts[0].incomingServer;
const folder = (name) => server.rootFolder.subFolders.find(
  (f) => f.name.toLowerCase() == name);
const updated = (f) => new Promise((done) => f.QueryInterface(
  Ci.nsIMsgImapMailFolder).updateFolderWithListener(null, {
    QueryInterface: ChromeUtils.generateQI(["nsIUrlListener"]),
    OnStartRunningUrl() {}, OnStopRunningUrl: (url, status) => done(status) }));
const headers = (f) => [...f.messages];
"""

TRUST = """
MailServices.accounts.createLocalMailAccount();
Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB)
  .addCertFromBase64(a, "CT,,");
for (const url of ["imap://" + b.name, "smtp://" + b.name]) {
  const info = Cc["@mozilla.org/login-manager/loginInfo;1"]
    .createInstance(Ci.nsILoginInfo);
  info.init(url, null, url, b.user, "secret", "", "");
  await Services.logins.addLoginAsync(info);
}
"""

LIST = """
const inbox = folder("inbox");
await updated(inbox);
if (!folder("sent")) return null;
const all = headers(inbox).map((h) => h.mime2DecodedSubject);
return all.length ? all : null;
"""

OPEN = """
const { MsgHdrToMimeMessage } = ChromeUtils.importESModule(
  "resource:///modules/gloda/MimeMessage.sys.mjs");
const { NetUtil } = ChromeUtils.importESModule(
  "resource://gre/modules/NetUtil.sys.mjs");
const inbox = folder("inbox");
const hdr = headers(inbox)[0];
const mime = await new Promise((done) => MsgHdrToMimeMessage(
  hdr, null, (h, m) => done(m), true, { saneBodySize: false }));
const file = mime.allUserAttachments[0];
const octets = await new Promise((done, failed) => NetUtil.asyncFetch(
  { uri: file.url, loadUsingSystemPrincipal: true }, (stream, status) =>
    Components.isSuccessCode(status)
      ? done(NetUtil.readInputStreamToString(stream, stream.available()))
      : failed(new Error("status " + status))));
inbox.markMessagesRead([hdr], true);
return { name: file.name, octets: btoa(octets),
  text: mime.coerceBodyToPlaintext(inbox) };
"""

SEND = """
const fields = Cc["@mozilla.org/messengercompose/composefields;1"]
  .createInstance(Ci.nsIMsgCompFields);
const identity = MailServices.accounts.accounts[0].defaultIdentity;
fields.from = identity.email;
fields.to = a;
fields.subject = "an answer";
fields.body = "text\\n.dot\\n";
const file = Cc["@mozilla.org/messengercompose/attachment;1"]
  .createInstance(Ci.nsIMsgAttachment);
file.url = "file://" + b;
file.name = "up.txt";
fields.addAttachment(file);
const params = Cc["@mozilla.org/messengercompose/composeparams;1"]
  .createInstance(Ci.nsIMsgComposeParams);
params.composeFields = fields;
params.identity = identity;
params.format = Ci.nsIMsgCompFormat.PlainText;
const compose = MailServices.compose.initCompose(params);
await compose.sendMsg(Ci.nsIMsgCompDeliverMode.Now, identity,
  MailServices.accounts.accounts[0].key, null, null);
return true;
"""

SENT = """
const sent = folder("sent");
sent.updateFolder(null);
const all = headers(sent).map((h) => h.mime2DecodedSubject);
return all.length ? all : null;
"""


class Marionette:
    """Length-prefixed JSON: [0, id, command, arguments] and
    [1, id, error, result]."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.settimeout(120)
        self.file = self.socket.makefile("rb")
        self.count = 0
        self.read()
        self.ask("WebDriver:NewSession", {})
        self.ask("Marionette:SetContext", {"value": "chrome"})
        self.ask("WebDriver:SetTimeouts", {"script": 60000})

    def read(self):
        length = b""
        while (c := self.file.read(1)) not in (b":", b""):
            length += c
        return json.loads(self.file.read(int(length)))

    def ask(self, name, arguments):
        self.count += 1
        data = json.dumps([0, self.count, name, arguments]).encode()
        self.socket.sendall(b"%d:%s" % (len(data), data))
        _, _, error, result = self.read()
        assert error is None, error
        return result.get("value") if isinstance(result, dict) else result

    def run(self, script, a=None, b=None):
        return self.ask("WebDriver:ExecuteAsyncScript", {
            "script": "const [a, b, done] = arguments;"
            "(async () => {" + START + script + "})().then("
            "(x) => done({ ok: x === undefined ? null : x }),"
            "(e) => done({ error: String(e) + (e.stack || '') }));",
            "args": [a, b], "newSandbox": True, "sandbox": "system"})

    def get(self, script, a=None, b=None):
        # Nothing where a notice of new mail came between.
        answer = self.run(script, a, b) or {"ok": None}
        assert "error" not in answer, answer["error"]
        return answer["ok"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


@contextlib.contextmanager
def thunderbird(host, folder):
    port = free_port()
    profile = folder / "profile"
    profile.mkdir()
    (profile / "user.js").write_text(PREFERENCES.format(
        address=host.address, name=host.name, imaps=host.ports["imaps"], user=BOB,
        escaped=BOB.replace("@", "%40"), submits=host.ports["submits"],
        marionette=port))
    log = folder / "log"
    with open(log, "wb") as out:
        process = subprocess.Popen(
            ["thunderbird", "--headless", "--no-remote", "--marionette",
             "--remote-allow-system-access", "--profile", str(profile)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True, env={
                "HOME": str(folder), "MOZ_HEADLESS": "1", "LANG": "C.UTF-8",
                "PATH": "/usr/bin:/bin"})
    try:
        def connect():
            assert process.poll() is None, "it has ended"
            with contextlib.suppress(OSError):
                return Marionette(port)
            return None
        yield wait_until(connect, 120, "Marionette")
    except Exception:
        print(log.read_text(errors="replace")[-3000:])
        print(host.log("imap")[-2000:], host.log("submit")[-2000:])
        raise
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def message():
    picture = base64.encodebytes(PICTURE).decode()
    return (f"From: Alice <{ALICE}>\nTo: {BOB}\n"
            "Subject: =?utf-8?q?the_gr=C3=BC=C3=9Fe?=\n"
            "Date: Tue, 24 Nov 2026 12:00:00 +0000\nMIME-Version: 1.0\n"
            'Content-Type: multipart/mixed; boundary="=_b"\n\n'
            "--=_b\nContent-Type: text/plain; charset=utf-8\n\n"
            "grüße\n.dot\n--=_b\nContent-Type: image/x-test; name=a.bin\n"
            "Content-Transfer-Encoding: base64\n"
            "Content-Disposition: attachment; filename=a.bin\n\n"
            f"{picture}\n--=_b--\n").replace("\n", "\r\n").encode()


def make_sent(host):
    context = ssl.create_default_context(cafile=host.ca)
    context.check_hostname = False
    m = imaplib.IMAP4_SSL(host.address, host.ports["imaps"],
                          ssl_context=context)
    m.login(BOB, "secret")
    assert m.create("Sent")[0] == "OK" and m.subscribe("Sent")[0] == "OK"
    m.logout()


def authority(host):
    """The certificate of the CA, as Thunderbird takes it."""
    pem = pathlib.Path(host.ca).read_text()
    return "".join(re.search(
        "BEGIN CERTIFICATE-----(.*?)-----END", pem, re.S)[1].split())


def test_thunderbird(tmp_path):
    if not shutil.which("thunderbird"):
        pytest.skip("no thunderbird")
    (tmp_path / "up.txt").write_text("carried\n")
    with Host(users={"alice": "secret", "bob": "secret"}) as host:
        host.send("x@elsewhere.example", [BOB], message(),
                  options=["BODY=8BITMIME"])
        host.wait_for_mail(BOB)
        make_sent(host)
        with thunderbird(host, tmp_path) as t:
            t.get(TRUST, authority(host), {"name": host.name, "user": BOB})
            assert wait_until(lambda: t.get(LIST), 60, "the list") == [
                "the grüße"]
            read = t.get(OPEN)
            assert read["name"] == "a.bin"
            assert base64.b64decode(read["octets"]) == PICTURE
            assert read["text"].split() == ["grüße", ".dot"]
            t.get(SEND, ALICE, str(tmp_path / "up.txt"))
            [arrived] = host.wait_for_mail(ALICE)
            text = arrived.read_text()
            assert "an answer" in text and "text\n.dot\n" in text
            assert base64.b64encode(b"carried\n").decode() in text or \
                "carried\n" in text
            assert wait_until(lambda: t.get(SENT), 60, "what was sent") == [
                "an answer"]
            wait_until(lambda: "S" in host.mail(BOB)[0].name.rpartition(
                ":2,")[2], 30, "that it was read")
