#!/usr/bin/python3
"""Two rows about check: how well its classifier tells spam, and what a message
costs.

The first learns and asks Debian's bogofilter in five folds, once about messages
as they are and once about what `kereru spam text` makes of them; ours must be at
least as good. It needs the corpus of SpamAssassin beside the repository, and is
left out without it. The second gives 1,000 messages of 10 KB to check, with all
checks on and a DNS that answers, and reports CPU and time for each, in one session
and in a session each.
"""
import argparse
import hashlib
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
CORPUS = os.path.join(os.environ.get(
    "TESTDATA", os.path.join(os.path.dirname(ROOT), "shared", "testdata")),
    "spam", "spamassassin-train.tar.xz")
FOLDS = 5
MESSAGES = 1000


def bogofilter(options, folder, names):
    return subprocess.run(
        ["bogofilter", *options, "-b", "-d", folder], check=False, text=True,
        input="".join(n + "\n" for n in names), stdout=subprocess.PIPE).stdout


def judge(names, work):
    """(right, spam missed, ham lost) at the cut of 0.5, over all folds."""
    missed = lost = 0
    for k in range(FOLDS):
        folder = tempfile.mkdtemp(dir=work)
        learnt = [n for i, n in enumerate(names) if i % FOLDS != k]
        asked = [n for i, n in enumerate(names) if i % FOLDS == k]
        for option, is_spam in (("-s", True), ("-n", False)):
            bogofilter([option], folder,
                       [path for path, spam in learnt if spam == is_spam])
        lines = bogofilter(["-T"], folder, [p for p, _ in asked]).splitlines()
        assert len(lines) == len(asked)
        for (path, spam), line in zip(asked, lines):
            assert line.startswith(path)
            says_spam = float(line.split()[-1]) >= 0.5
            missed += spam and not says_spam
            lost += says_spam and not spam
        shutil.rmtree(folder)
    return len(names) - missed - lost, missed, lost


def accuracy(build, work):
    if not shutil.which("bogofilter") or not os.path.exists(CORPUS):
        print("spam: left out, needs bogofilter and the corpus")
        return True
    plain, ours = (os.path.join(work, n) for n in ("plain", "ours"))
    os.mkdir(plain)
    os.mkdir(ours)
    is_spam, place = {}, {}
    with tarfile.open(CORPUS) as tar:
        for member in tar:
            if not member.isfile():
                continue
            name = os.path.basename(member.name)
            is_spam[name] = "spam" in os.path.dirname(member.name)
            place[name] = "/".join(member.name.split("/")[-2:])
            with open(os.path.join(plain, name), "wb") as f:
                f.write(tar.extractfile(member).read())
    subprocess.run([os.path.join(build, "bin", "kereru"), "spam", "text", "-o",
                    ours, plain], check=True)
    # The same order for both, and nothing in it but chance.
    order = sorted(is_spam, key=lambda n: hashlib.md5(
        place[n].encode()).hexdigest())
    results = {}
    for label, folder in (("bogofilter alone", plain), ("with our text", ours)):
        right, missed, lost = results[label] = judge(
            [(os.path.join(folder, n), is_spam[n]) for n in order], work)
        print(f"spam, {label:18} {100 * right / len(order):8.3f} % right, "
              f"{missed} of {sum(is_spam.values())} spam missed, "
              f"{lost} of {len(order) - sum(is_spam.values())} ham lost")
    if results["with our text"][0] < results["bogofilter alone"][0]:
        print("FAIL: our text is worse than what bogofilter reads by itself")
        return False
    return True


def cpu(pid):
    """CPU seconds of a process and of its children that have ended."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(") ", 1)[1].split()
    except OSError:
        return 0
    return sum(int(x) for x in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def tree_cpu(pid):
    """Of it and of all that it has started, also of those that have ended."""
    out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)],
                         stdout=subprocess.PIPE, text=True).stdout
    return cpu(pid) + sum(tree_cpu(int(p)) for p in out.split())


def answer_quickly(sock, server):
    """What the server says to a question, remembered: dnspython takes longer for
    each than all checks take for a message."""
    known = {}
    while True:
        wire, client = sock.recvfrom(4096)
        question = wire[2:]
        if question not in known:
            known[question] = server._reply(wire, tcp=False)[2:]
        sock.sendto(wire[:2] + known[question], client)


def cost(build):
    """Print, and return {sessions: (ms of CPU, ms)} for each message."""
    costs = {}
    os.environ["KERERU_BUILD"] = build
    from checkalone import Check
    from dnsserver import DnsServer
    rules = ("rule SPF spf=fail weight 1\nrule DMARC dmarc=fail weight 1\n"
             "rule DKIM dkim=fail weight 1\nrule BAYES bayes=spam weight 1\n"
             "rule ONE list:one.test weight 1\nrule TWO list:two.test weight 1"
             "\nrule URL url:url.test weight 1\n")
    zone = {"example.org": {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]},
            "_dmarc.example.org": {"TXT": ["v=DMARC1; p=none"]},
            "2.0.0.127.one.test": {"A": ["127.0.0.2"]},
            "2.0.0.127.two.test": {"A": ["127.0.0.2"]},
            "test.url.test": {"A": ["127.0.0.2"]}}
    line = b"Some words of a letter about http://example.net/page and more.\r\n"
    message = (b"From: <a@example.org>\r\nTo: <b@kereru.test>\r\nSubject: x\r\n"
               b"\r\n" + line * (10000 // len(line)))
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    dns = multiprocessing.Process(
        target=answer_quickly, args=(sock, DnsServer(zone)), daemon=True)
    dns.start()
    bogofilter = shutil.which("bogofilter")
    with Check(rules, "127.0.0.1:%d" % sock.getsockname()[1],
               {"classifier": bogofilter or ""}) as check:
        for flag in ("-s", "-n") if bogofilter else ():
            subprocess.run([bogofilter, flag, "-d", check.home],
                           input=message + flag.encode(), check=True)
        check.ask(message)
        for sessions in 1, MESSAGES:
            pair = check.open()
            before = tree_cpu(check.process.pid)
            start = time.monotonic()
            for _ in range(MESSAGES):
                if sessions > 1:
                    pair.close()
                    pair = check.open()
                v = check.ask_on(pair, message)
                assert v.action == "a", vars(v)
            seconds = time.monotonic() - start
            after = tree_cpu(check.process.pid)
            pair.close()
            spent = 1000 * (after - before) / MESSAGES
            took = 1000 * seconds / MESSAGES
            costs[sessions] = spent, took
            print(f"check, {MESSAGES} messages of 10 KB, {sessions} "
                  f"session{'s' * (sessions > 1)}: {spent:.2f} ms of CPU "
                  f"(wanted: 2) and {took:.2f} ms each (wanted: 20)"
                  f"{'' if bogofilter else ', without a classifier'}")
    dns.terminate()
    return costs


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--build", default=os.path.join(ROOT, "build"))
    build = os.path.abspath(os.path.join(ROOT, p.parse_args().build))
    with tempfile.TemporaryDirectory(prefix="kereru-spam-") as work:
        cost(build)
        return 0 if accuracy(build, work) else 1


if __name__ == "__main__":
    sys.exit(main())
