"""Domains that share a host: it gets no more sessions than it is given."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from dnsserver import DnsServer  # noqa: E402
from queuehost import QueueHost, wait_for  # noqa: E402
from smtpsink import SmtpSink  # noqa: E402

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs root")
DOMAINS, LIMIT = 30, 4


def test_thirty_domains_behind_one_host():
    most = []
    zone = {}
    for n in range(DOMAINS):
        zone[f"d{n}.test"] = {"MX": [f"10 mx{n}.test"]}
        zone[f"mx{n}.test"] = {"A": ["127.0.0.2"]}

    def count(session):
        most.append(sum(s.ended is None for s in session.sink.sessions))

    with DnsServer(zone) as dns, \
            SmtpSink("127.0.0.2", replies={"mail": count}) as sink, \
            QueueHost(start=False, resolver=dns.address,
                      remote_port=sink.port, remote_concurrency=DOMAINS,
                      remote_concurrency_per_host=LIMIT) as host:
        host.start()
        host.drop("s@else.test", [f"x@d{n}.test" for n in range(DOMAINS)])
        assert len(sink.wait(DOMAINS, 60)) == DOMAINS, host.log_text()
        assert wait_for(host.is_empty, 30)
        assert host.events("deferred") == []
        assert max(most) <= LIMIT
