"""kereru metrics on a whole host: what happened is counted once, over rotated logs,
in the text format of Prometheus."""
import json
import re
import resource
import shutil
import socket
import smtplib
import subprocess

import pytest

from host import REPOSITORY, Host, prefix, wait_until
from lineclient import login

ALICE, BOB = "alice@mx.example.org", "bob@mx.example.org"
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABELS = r'\{[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*"(?:,[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*")*\}'


@pytest.fixture(scope="module")
def host():
    with Host(users={"alice": "secret", "bob": "secret"},
              services=("smtp", "imap", "queue", "auth")) as h:
        yield h


def parse(text):
    """{name{labels}: value}; what breaks the format is an error."""
    assert text.endswith("\n")
    values, types = {}, {}
    for line in text.splitlines():
        if m := re.fullmatch(rf"# TYPE ({NAME}) (counter|gauge|histogram)",
                             line):
            assert m[1] not in types
            types[m[1]] = m[2]
        elif not re.fullmatch(rf"# HELP {NAME} [^\n]+", line):
            m = re.fullmatch(rf"({NAME})({LABELS})? (-?[0-9.]+)", line)
            assert m, line
            family = m[1] if m[1] in types else \
                re.sub(r"_(bucket|sum|count)$", "", m[1])
            # Of one family all lines stand behind its type.
            assert family == list(types)[-1], line
            assert types[family] != "counter" or m[1].endswith("_total")
            assert m[1] + (m[2] or "") not in values
            values[m[1] + (m[2] or "")] = float(m[3])
    return values


def metrics(host):
    return parse(host.kereru("metrics").stdout)


def test_what_happens_is_counted_once(host, tmp_path):
    before = metrics(host)
    for _ in range(3):
        host.send("joe@elsewhere.test", [BOB], "Subject: x\r\n\r\nx\r\n")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        host.send("joe@elsewhere.test", ["nobody@mx.example.org"], "x")
    assert login(host, "imaps", ALICE, "secret") == "ok"
    assert login(host, "imaps", ALICE, "wrong") == "denied"
    wanted = {
        'kereru_connections_total{service="smtp"}': 4,
        'kereru_messages_accepted_total{service="smtp"}': 3,
        'kereru_refused_total{service="smtp",reply="550 5.1.1"}': 1,
        'kereru_deliveries_total{where="local",result="delivered"}': 3,
        'kereru_delivery_seconds_count': 3,
        'kereru_delivery_seconds_bucket{le="+Inf"}': 3,
        'kereru_messages_queued_total': 3,
        'kereru_logins_total{service="imap"}': 1,
        'kereru_login_failures_total{service="imap"}': 1,
    }

    def counted():
        now = metrics(host)
        return {k: now.get(k, 0) - before.get(k, 0) for k in wanted}
    wait_until(lambda: counted() == wanted, 30, "the counters")
    # Rotated by s6-log, which goes on in another file.
    host.send("joe@elsewhere.test", [BOB], "Subject: x\r\n\r\nx\r\n")
    for service in ("smtp", "queue"):
        subprocess.run(["s6-svc", "-a", host.scan / service / "log"],
                       check=True)
        folder = host.state / "log" / service
        wait_until(lambda f=folder: list(f.glob("@*")), 30, "another file")
    host.send("joe@elsewhere.test", [BOB], "Subject: x\r\n\r\nx\r\n")
    for key in ("messages_accepted_total{service=\"smtp\"}",
                "messages_queued_total",
                'deliveries_total{where="local",result="delivered"}'):
        wanted["kereru_" + key] += 2
    wanted['kereru_connections_total{service="smtp"}'] += 2
    for key in ("count", 'bucket{le="+Inf"}'):
        wanted["kereru_delivery_seconds_" + key] += 2
    wait_until(lambda: counted() == wanted, 30, "the counters")
    # For node_exporter: another's reading never sees half of it.
    path = tmp_path / "kereru.prom"
    host.kereru("metrics", "--output", path)
    assert parse(path.read_text()).keys() == metrics(host).keys()
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_the_queue_as_it_is(host):
    host.svc("queue", "-wD", "-d")
    try:
        host.send("joe@elsewhere.test", [BOB], "Subject: x\r\n\r\nx\r\n")
        now = metrics(host)
        assert now['kereru_queue_messages{age="5m"}'] == 1
        assert now['kereru_queue_messages{age="more"}'] == 0
        assert now['kereru_queue_destination_messages'
                   '{domain="mx.example.org"}'] == 1
    finally:
        host.svc("queue", "-wU", "-u")
    host.wait_for_empty_queue()
    assert metrics(host)["kereru_queue_free_bytes"] > 0


def http(host, request):
    """What one answers who is started for a connection, as a server of tcpserver's
    kind does it; and its uid while it waits for the request."""
    ours, theirs = socket.socketpair()
    with ours:
        p = subprocess.Popen([prefix() / "sbin/kereru", "-c", host.etc,
                              "metrics", "--http"], stdin=theirs,
                             stdout=theirs)
        theirs.close()
        ours.settimeout(30)
        try:
            def has_dropped():
                with open(f"/proc/{p.pid}/status", encoding="ascii") as f:
                    text = f.read()
                return re.search(r"^Uid:\t65534\t65534\t65534\t65534$", text,
                                 re.M) and \
                    re.search(r"^Seccomp:\t2$", text, re.M)
            wait_until(has_dropped, 30, "rights given up")
            ours.sendall(request)
            answer = b""
            while more := ours.recv(65536):
                answer += more
        finally:
            p.kill()
            p.wait()
    return answer.decode()


def test_over_http(host):
    head, body = http(host, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
                      ).split("\r\n\r\n", 1)
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert f"Content-Length: {len(body)}" in head
    assert parse(body).keys() == metrics(host).keys()
    assert http(host, b"GET /etc/passwd HTTP/1.1\r\n\r\n").startswith(
        "HTTP/1.1 404 ")
    assert http(host, b"HEAD /metrics HTTP/1.0\n\n").endswith("\r\n\r\n")
    assert http(host, b"x" * 8192) == ""


def test_damaged_counters_begin_anew(host):
    path = host.state / "metrics/counters"
    for text in ("nonsense", path.read_text()[:-20], ""):
        path.write_text(text)
        done = host.kereru("metrics")
        assert ("begins anew" in done.stderr) == bool(text)
        assert parse(done.stdout)["kereru_messages_queued_total"] > 0


def test_the_dashboard_names_what_there_is(host):
    text = host.kereru("metrics").stdout
    there = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    there |= {"kereru_delivery_seconds_bucket"}
    board = json.loads((REPOSITORY / "doc/grafana-dashboard.json").read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            assert set(re.findall(r"kereru_\w+", target["expr"])) <= there


@pytest.mark.soak
def test_a_days_logs_cost_little(host):
    """A hundred thousand lines, counted once; then looked at once a minute."""
    line = ("2026-11-24 10:00:00.000000000  manager event=delivered pid=1 "
            "id=0000000000000000 to=a@b.test via=a@b.test delay=0.1 "
            "answer=\"ok\"\n")
    log = host.state / "log/queue"
    (log / "@400000000000000000000001.s").write_text(line * 100_000)
    (host.state / "metrics/counters").unlink()
    costs = []
    for _ in range(3):
        start = resource.getrusage(resource.RUSAGE_CHILDREN)
        now = metrics(host)
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(end.ru_utime + end.ru_stime - start.ru_utime -
                     start.ru_stime)
    print(costs)
    assert now['kereru_deliveries_total{where="local",result="delivered"}'] \
        >= 100_000
    assert min(costs[1:]) < 0.05, costs


@pytest.mark.soak
@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool")
def test_promtool_finds_nothing(host):
    done = subprocess.run(["promtool", "check", "metrics"], text=True,
                          input=host.kereru("metrics").stdout,
                          capture_output=True)
    assert done.returncode == 0, done.stderr
