"""Roundcube, as Debian has it, in a browser without a screen: a user logs in,
lists, opens a message with an attachment, answers with one, and finds it in
Sent. What it needs is in tests/packages-soak."""
import base64
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from host import Host, wait_until

pytestmark = pytest.mark.soak

ALICE, BOB = "alice@mx.example.org", "bob@mx.example.org"
ROUNDCUBE = pathlib.Path("/var/lib/roundcube/public_html")
PICTURE = bytes(range(256)) * 20
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def missing():
    wanted = ["/usr/bin/php", "/usr/bin/chromedriver", "/usr/bin/chromium",
              str(ROUNDCUBE / "index.php")]
    return [path for path in wanted if not os.path.exists(path)]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def can_connect(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    return False


@contextlib.contextmanager
def running(command, port, **more):
    """A server, with all that it starts."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True, **more)
    try:
        wait_until(lambda: can_connect(port), 60, command[0])
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Browser:
    """A session of a WebDriver (W3C)."""

    def __init__(self, port, folder):
        self.base = f"http://127.0.0.1:{port}"
        self.session = ""
        options = {"binary": "/usr/bin/chromium", "args": [
            "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-sync",
            "--disable-dev-shm-usage", "--window-size=1400,1000",
            f"--user-data-dir={folder}"]}
        answer = self.ask("POST", "/session", {"capabilities": {
            "alwaysMatch": {"goog:chromeOptions": options}}})
        self.session = f"/session/{answer['sessionId']}"

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            self.base + self.session + path, method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def go(self, url):
        self.ask("POST", "/url", {"url": url})

    def run(self, script, *args):
        return self.ask("POST", "/execute/sync", {
            "script": script, "args": list(args)})

    def find(self, selector):
        """The element, once it is there."""
        def look():
            with contextlib.suppress(urllib.error.HTTPError):
                return self.ask("POST", "/element", {
                    "using": "css selector", "value": selector})[ELEMENT]
            return None
        try:
            return wait_until(look, 60, selector)
        except TimeoutError as error:
            text = self.run("return document.body.innerText")
            raise TimeoutError(f"{error}: {text[:2000]}") from None

    def type(self, selector, text):
        self.ask("POST", f"/element/{self.find(selector)}/value",
                 {"text": text})

    def click(self, selector):
        self.find(selector)
        self.run("document.querySelector(arguments[0]).click()", selector)

    def text(self, selector):
        return self.ask("GET", f"/element/{self.find(selector)}/text")


def settings(host, folder):
    """Its configuration, as doc/handbook/webmail.md has it, but for the
    tests' database and certificate."""
    conf, data = folder / "conf", folder / "data"
    for path in (conf, data / "temp", data / "logs"):
        path.mkdir(parents=True)
    for name in ("defaults.inc.php", "mimetypes.php"):
        shutil.copy(f"/etc/roundcube/{name}", conf)
    tls = f"""['ssl' => ['cafile' => '{host.ca}', 'verify_peer' => true,
	'peer_name' => '{host.name}']]"""
    (conf / "config.inc.php").write_text(f"""<?php
$config = [];
$config['db_dsnw'] = 'sqlite:///{data}/rc.db?mode=0640';
$config['imap_host'] = 'ssl://{host.address}:{host.ports["imaps"]}';
$config['imap_conn_options'] = {tls};
$config['smtp_host'] = 'tls://{host.address}:{host.ports["submit"]}';
$config['smtp_conn_options'] = {tls};
$config['smtp_user'] = '%u';
$config['smtp_pass'] = '%p';
$config['des_key'] = '0123456789abcdef01234567';
$config['temp_dir'] = '{data}/temp';
$config['log_dir'] = '{data}/logs';
$config['plugins'] = [];
$config['enable_spellcheck'] = false;
$config['create_default_folders'] = true;
""")
    subprocess.run(
        ["/usr/bin/php", "-r", f"$d = new PDO('sqlite:{data}/rc.db');"
         "$d->exec(file_get_contents("
         "'/usr/share/roundcube/SQL/sqlite.initial.sql'));"], check=True)
    (folder / "router.php").write_text(f"""<?php
$p = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($p !== '/' && is_file('{ROUNDCUBE}' . $p)) return false;
require '{ROUNDCUBE}/index.php';
""")
    return conf, data


def message():
    picture = base64.encodebytes(PICTURE).decode()
    return (f"From: Alice <{ALICE}>\nTo: {BOB}\nSubject: the picture\n"
            "Date: Tue, 24 Nov 2026 12:00:00 +0000\nMIME-Version: 1.0\n"
            'Content-Type: multipart/mixed; boundary="=_b"\n\n'
            "--=_b\nContent-Type: text/plain; charset=utf-8\n\n"
            "grüße\n.dot\n--=_b\nContent-Type: image/x-test; name=a.bin\n"
            "Content-Transfer-Encoding: base64\n"
            "Content-Disposition: attachment; filename=a.bin\n\n"
            f"{picture}\n--=_b--\n").replace("\n", "\r\n").encode()


def test_roundcube(tmp_path):
    absent = missing()
    if absent:
        pytest.skip(f"not there: {absent}")
    with Host(users={"alice": "secret", "bob": "secret"}) as host, \
            contextlib.ExitStack() as stack:
        host.send("x@elsewhere.example", [BOB], message(),
                  options=["BODY=8BITMIME"])
        host.wait_for_mail(BOB)
        conf, data = settings(host, tmp_path)
        web, driver = free_port(), free_port()
        stack.enter_context(running(
            ["/usr/bin/php", "-d", "date.timezone=UTC", "-S",
             f"127.0.0.1:{web}", "-t", str(ROUNDCUBE),
             str(tmp_path / "router.php")], web,
            env={"PATH": "/usr/bin:/bin", "PHP_CLI_SERVER_WORKERS": "4",
                 "ROUNDCUBE_CONFIG_DIR": str(conf)}))
        stack.enter_context(running(
            ["/usr/bin/chromedriver", f"--port={driver}"], driver,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}))
        browser = Browser(driver, tmp_path / "profile")
        try:
            walk(host, browser, f"http://127.0.0.1:{web}/", tmp_path)
        except Exception:
            for log in (data / "logs").glob("*"):
                print(log.name, log.read_text()[-3000:])
            print(host.log("imap")[-2000:], host.log("submit")[-2000:])
            raise
        finally:
            with contextlib.suppress(urllib.error.URLError):
                browser.ask("DELETE", "")


def walk(host, browser, base, folder):
    browser.go(base)
    browser.type("#rcmloginuser", BOB)
    browser.type("#rcmloginpwd", "secret")
    browser.click("#rcmloginsubmit")
    assert "the picture" in browser.text("#messagelist tbody tr")
    uid = browser.run("return rcmail.message_list.get_first_row()")
    browser.go(f"{base}?_task=mail&_mbox=INBOX&_uid={uid}&_action=show")
    assert "a.bin" in browser.text("#attachment-list li")
    assert "grüße" in browser.text("#messagebody")
    # The attachment as it was, through its own link.
    octets = browser.run(
        "const x = new XMLHttpRequest();"
        "x.open('GET', document.querySelector('#attachment-list li a').href"
        ".replace(/&_frame=1/, '') + '&_download=1', false);"
        "x.overrideMimeType('text/plain; charset=x-user-defined'); x.send();"
        "return Array.from(x.responseText, c => c.charCodeAt(0) & 255)")
    assert bytes(octets) == PICTURE

    (folder / "up.txt").write_text("carried\n")
    browser.go(f"{base}?_task=mail&_action=compose")
    browser.find("#composebody")
    browser.run("const e = document.querySelector('#_to');"
                f"e.value = '{ALICE}'; e.dispatchEvent(new Event('change'))")
    browser.type("#compose-subject", "an answer")
    browser.type("#composebody", "text\n.dot\n")
    browser.type('input[type=file][name="_attachments[]"]',
                 str(folder / "up.txt"))
    wait_until(lambda: browser.run(
        "const all = Object.values(rcmail.env.attachments || {});"
        "return all.length > 0 && all.every(a => a.complete)"), 60,
        "the attachment")
    browser.run("setTimeout(() => document.querySelector("
                "'button.send, a.send').click(), 0)")
    try:
        [arrived] = host.wait_for_mail(ALICE)
    except TimeoutError:
        print(browser.run("return document.body.innerText"))
        raise
    text = arrived.read_text()
    assert "an answer" in text and "text\n.dot\n" in text
    assert base64.b64encode(b"carried\n").decode() in text or \
        "carried" in text
    wait_until(lambda: (host.maildir(BOB) / ".Sent").exists() and
               host.mail(BOB, "Sent"), 30, "what was sent")
    browser.go(f"{base}?_task=mail&_mbox=Sent")
    assert "an answer" in browser.text("#messagelist tbody tr")
    # What was read is marked so.
    assert "S" in host.mail(BOB)[0].name.rpartition(":2,")[2]
