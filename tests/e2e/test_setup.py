"""kereru setup: from a bare machine to a host whose mail is believed, with
nothing between but what the command prints."""
import json
import pathlib
import plistlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from freshhost import ADDRESS, FreshHost, zone_of    # noqa: E402
from host import REPOSITORY                          # noqa: E402

SETUP = ("kereru setup mail.example.org --domain example.org "
         "--mailbox alice")


def tree(folder):
    """All that is below a folder: name -> what tells of a change."""
    found = {}
    for path in sorted(folder.rglob("*")):
        s = path.lstat()
        found[str(path.relative_to(folder))] = (
            s.st_mode, s.st_uid, s.st_gid, s.st_mtime_ns,
            path.read_bytes() if path.is_file() else None)
    return found


@pytest.fixture(scope="module")
def fresh():
    with FreshHost() as f:
        yield f


@pytest.fixture(scope="module")
def made(fresh):
    """It, after a dry run and the setup; (dry run's words, setup's)."""
    before = fresh.path("/etc/passwd").read_text()
    for wrong in ("--mailbox bob@other.example", "--domain -x-",
                  "--mailbox alice"):       # without a password
        done = fresh.sh("kereru setup mail.example.org " + wrong, check=False)
        assert done.returncode == 100 and done.stderr, wrong
    dry = fresh.sh(SETUP + " --dry-run").stdout
    assert not fresh.path("/etc/kereru").exists()
    assert not fresh.path("/var/lib/kereru").exists()
    assert fresh.path("/etc/passwd").read_text() == before
    return dry, fresh.sh(SETUP, input="secret\n").stdout


def test_a_dry_run_tells_what_is_done(made):
    def told(text):
        return {line for line in text.splitlines()
                if re.match("; (make|write|add|take|give) ", line)}
    dry, real = map(told, made)
    # The domain is written with the file of the domains; and sendmail may
    # have the number of that group already.
    assert dry - real <= {"; take mail for example.org",
                          "; give /usr/local/sbin/sendmail the group kr-drop"}
    assert real <= dry
    for line in ("make the account kr-smtpd", "make the group kr-drop",
                 "write /etc/kereru/settings",
                 "make /var/lib/kereru/queue, mode 0710",
                 "make keys for DKIM (RSA and Ed25519) for example.org",
                 "add the mailbox alice@example.org",
                 "make the services in /var/lib/kereru/scan"):
        assert "; " + line in dry


def test_setup_again_changes_nothing(fresh, made):
    etc = fresh.path("/etc/kereru")
    before = tree(etc)
    again = fresh.sh(SETUP).stdout          # no password is asked for
    assert tree(etc) == before
    for text in (again, fresh.sh(SETUP + " --dry-run").stdout):
        assert not re.search("^; (make|write|add|take|give) ", text, re.M)
    assert tree(etc) == before
    # What has to be published is said each time, and by a command of its own.
    assert zone_of(again) == zone_of(made[1]) == zone_of(
        fresh.sh("kereru records").stdout)
    for wrong in ("--address 198.51.100.1", "--address x",
                  "--mailbox bob@other.example", "--domain -x-"):
        done = fresh.sh(f"{SETUP} {wrong}" if "box" not in wrong else
                        f"kereru setup mail.example.org {wrong}",
                        check=False, input="secret\n")
        assert done.returncode == 100 and done.stderr, wrong
    assert tree(etc) == before


def test_the_settings_list_all_with_their_defaults(fresh, made):
    text = fresh.path("/etc/kereru/settings").read_text()
    known = set(re.findall(
        r'^\t\{"([a-z0-9-]+)", SETTING_',
        (REPOSITORY / "common/admin/setting.c").read_text(), re.M))
    assert {m for m in re.findall(r"^#?([a-z0-9-]+)(?: \S.*)?$", text, re.M)
            if m in known} == known
    bare = re.sub(r"^#(?=[a-z0-9-]+( [^`]*)?$)", "", text, flags=re.M)
    table = fresh.path("/var/lib/kereru/tables/settings.cdb")
    before = table.read_bytes()
    fresh.path("/etc/kereru/settings").write_text(bare)
    try:
        fresh.sh("kereru compile")
        assert table.read_bytes() == before
    finally:
        fresh.path("/etc/kereru/settings").write_text(text)
        fresh.sh("kereru compile")


def test_what_has_to_be_published(fresh, made):
    zone = zone_of(made[1])
    assert zone["mail.example.org"]["A"] == [ADDRESS]
    assert zone["example.org"]["MX"] == ["10 mail.example.org."]
    assert zone["example.org"]["TXT"] == ["v=spf1 mx -all"]
    keys = [n for n in zone if n.endswith("._domainkey.example.org")]
    assert sorted(re.search("k=([a-z0-9]+)", zone[n]["TXT"][0])[1]
                  for n in keys) == ["ed25519", "rsa"]
    assert zone["_sieve._tcp.example.org"]["SRV"] == [
        "0 1 4190 mail.example.org."]
    assert zone["_imaps._tcp.example.org"]["SRV"] == [
        "0 1 993 mail.example.org."]
    assert f"; 10.2.0.192.in-addr.arpa. IN PTR mail.example.org." in made[1]
    # What a client sees in the handshake is what TLSA tells of.
    tlsa = set(zone["_25._tcp.mail.example.org"]["TLSA"])
    for name in ("ec", "rsa"):
        key = subprocess.run(
            ["openssl", "x509", "-pubkey", "-noout", "-in",
             fresh.path(f"/etc/kereru/tls/{name}.pem")], check=True,
            capture_output=True).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"],
                             input=key, check=True,
                             capture_output=True).stdout
        digest = subprocess.run(["sha256sum"], input=der, check=True,
                                capture_output=True).stdout[:64].decode()
        assert f"3 1 1 {digest}" in tlsa
    told = json.loads(fresh.sh("kereru records -j example.org").stdout)
    assert {r["name"] for r in told if r["type"] != "PTR"} <= set(zone)
    assert [r["name"] for r in told if r["for"] == "reverse"] == [
        "10.2.0.192.in-addr.arpa"]
    assert fresh.sh("kereru records no.example", check=False
                    ).returncode == 100


@pytest.fixture(scope="module")
def web(fresh, made):
    """Where the files for the web server are, seen from outside."""
    with tempfile.TemporaryDirectory(prefix="kr-gpg-") as home:
        def gpg(*argv):
            return subprocess.run(
                ["gpg", "--homedir", home, "--batch", "-q",
                 "--pinentry-mode", "loopback", "--passphrase", "", *argv],
                check=True, capture_output=True, timeout=60).stdout
        gpg("--quick-generate-key", "<alice@example.org>", "ed25519", "sign",
            "never")
        fresh.path("/etc/keys.gpg").write_bytes(gpg("--export"))
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"])
    fresh.sh("kereru web --keys /etc/keys.gpg /var/lib/web")
    return fresh.path("/var/lib/web")


def test_files_for_the_web_server(web):
    files = {str(p.relative_to(web)) for p in web.rglob("*") if p.is_file()}
    wkd = {f for f in files if "openpgpkey" in f}
    top = "example.org/.well-known/openpgpkey"
    assert {f"{top}/policy", f"{top}/example.org/policy"} < wkd
    assert len(wkd) == 4
    assert files - wkd == {
        "README", "example.org/mail/config-v1.1.xml",
        "example.org/.well-known/autoconfig/mail/config-v1.1.xml",
        "example.org/autodiscover/autodiscover.xml",
        "example.org/mail.mobileconfig",
        "example.org/.well-known/mta-sts.txt"}
    assert (web / "README").read_text().count("\n") == 3
    assert all(p.stat().st_mode & 0o777 == (0o755 if p.is_dir() else 0o644)
               for p in web.rglob("*"))


def test_thunderbird_reads_its_file(web):
    root = xml.parse(web / "example.org/mail/config-v1.1.xml").getroot()
    assert root.find("emailProvider/domain").text == "example.org"
    found = [(s.get("type"), s.find("hostname").text, s.find("port").text,
              s.find("socketType").text, s.find("username").text)
             for s in root.iter() if s.tag.endswith("Server")]
    assert found == [
        (kind, "mail.example.org", port, "SSL", "%EMAILADDRESS%")
        for kind, port in (("imap", "993"), ("pop3", "995"), ("smtp", "465"))]


def test_outlook_reads_its_file(web):
    root = xml.parse(
        web / "example.org/autodiscover/autodiscover.xml").getroot()
    space = ("{http://schemas.microsoft.com/exchange/autodiscover/outlook/"
             "responseschema/2006a}")
    found = [(p.find(space + "Type").text, p.find(space + "Server").text,
              p.find(space + "Port").text, p.find(space + "Encryption").text)
             for p in root.iter(space + "Protocol")]
    assert found == [(kind, "mail.example.org", port, "SSL") for kind, port in
                     (("IMAP", "993"), ("POP3", "995"), ("SMTP", "465"))]


def test_apple_reads_its_profile(fresh, web):
    path = web / "example.org/mail.mobileconfig"
    profile = plistlib.loads(path.read_bytes())
    [account] = profile["PayloadContent"]
    assert profile["PayloadType"] == "Configuration"
    assert account["PayloadType"] == "com.apple.mail.managed"
    assert account["IncomingMailServerHostName"] == "mail.example.org"
    assert account["IncomingMailServerPortNumber"] == 993
    assert account["OutgoingMailServerPortNumber"] == 465
    assert account["IncomingMailServerUseSSL"] is True
    assert account["PayloadUUID"] != profile["PayloadUUID"]
    # Made again it is the same, and takes the place of what it was.
    before = path.read_bytes()
    fresh.sh("kereru web /var/lib/web example.org")
    assert path.read_bytes() == before
    done = fresh.sh("kereru web /var/lib/web other.example", check=False)
    assert done.returncode == 100


def test_the_policy_of_mta_sts(fresh, made, web):
    policy = (web / "example.org/.well-known/mta-sts.txt").read_bytes()
    assert policy == (b"version: STSv1\r\nmode: testing\r\n"
                      b"mx: mail.example.org\r\nmax_age: 604800\r\n")
    [text] = zone_of(made[1])["_mta-sts.example.org"]["TXT"]
    assert re.fullmatch("v=STSv1; id=[0-9a-z]{1,32}", text)


def test_a_link_below_the_folder_is_not_followed(fresh, made):
    """Who owns the web server's files must not have root write elsewhere."""
    fresh.sh("mkdir -p /var/lib/web2 /var/lib/else\n"
             "ln -s /var/lib/else /var/lib/web2/example.org")
    done = fresh.sh("kereru web /var/lib/web2", check=False)
    assert done.returncode == 111 and "cannot write" in done.stderr
    assert not list(fresh.path("/var/lib/else").iterdir())


def test_a_machine_with_a_private_address_alone(fresh, made):
    """The record is there, as a comment that says what to do."""
    settings = fresh.path("/etc/kereru/settings")
    before = settings.read_text()
    try:
        # As on loopback alone.
        settings.write_text(before + "public-addresses 10.0.0.1\n")
        assert zone_of(fresh.sh("kereru records").stdout)[
            "mail.example.org"]["A"] == ["10.0.0.1"]
        settings.write_text(before)
        text = fresh.run("unshare", "-n", "kereru", "records").stdout
        assert "; mail.example.org. IN A YOUR-PUBLIC-ADDRESS\n" in text
        assert "public-addresses" in text
        assert "A" not in zone_of(text)["mail.example.org"]
    finally:
        settings.write_text(before)
