"""A DNS server on loopback for tests.

    zone = {
        "example.org": {"MX": ["10 mx1.example.org", "20 mx2.example.org"],
                        "TXT": ["v=spf1 -all"]},
        "mx1.example.org": {"A": ["127.0.0.2"], "AAAA": ["::1"]},
        "www.example.org": {"CNAME": ["mx1.example.org"]},
        "broken.example": "SERVFAIL",     # or "NXDOMAIN", "REFUSED"
        "silent.example": "TIMEOUT",      # no answer at all
        "half.example": {"A": ["127.0.0.2"], "AAAA": "SERVFAIL"},
    }
    with DnsServer(zone) as dns:
        dns.address                       # "127.0.0.1:PORT", for `resolver`
        dns.zone["new.example"] = {"A": ["127.0.0.3"]}   # at any time
        dns.asked                         # [("example.org", "MX"), ...]

Values are as in a zone file, names in them complete with or without the final
dot; "" or "." is the root ("MX": ["0 ."] is RFC 7505's null MX). A name that
the zone lacks is NXDOMAIN, unless a longer name lies below it; a type that it
lacks is NODATA. CNAMEs are followed as a recursive resolver does. UDP and TCP;
a reply that does not fit into UDP is truncated. `ad=True` sets the AD bit in
replies to questions that have it; names below those in `insecure` get none.
"""
import socket
import socketserver
import threading

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

CHAIN_MAX = 12


def _complete(kind, value):
    """Make the names in a value absolute, as the DNS library wants them."""
    if kind in ("CNAME", "PTR", "NS"):
        return value.rstrip(".") + "."
    if kind == "MX":
        preference, host = (value.split(None, 1) + [""])[:2]
        return f"{preference} {host.rstrip('.')}."
    if kind == "TXT" and not value.startswith('"'):
        pieces = [value[i:i + 255] for i in range(0, len(value), 255)]
        return " ".join(
            '"' + p.replace("\\", "\\\\").replace('"', '\\"') + '"'
            for p in pieces or [""])
    return value


class DnsServer:
    """Serves `zone` from __enter__ (or start) to __exit__ (or stop)."""

    def __init__(self, zone=None, host="127.0.0.1", port=0, ttl=300,
                 ad=False):
        self.zone = zone if zone is not None else {}
        self.ttl = ttl
        self.ad = ad
        self.insecure = set()
        self.asked = []
        self._host, self._port = host, port
        self._servers = []

    def start(self):
        outer = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                wire, sock = self.request
                reply = outer._reply(wire, tcp=False)
                if reply is not None:
                    sock.sendto(reply, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            timeout = 5

            def handle(self):
                while True:
                    head = self.rfile.read(2)
                    if len(head) < 2:
                        return
                    wire = self.rfile.read(int.from_bytes(head, "big"))
                    reply = outer._reply(wire, tcp=True)
                    if reply is None:
                        return
                    self.wfile.write(len(reply).to_bytes(2, "big") + reply)

        class UdpServer(socketserver.ThreadingUDPServer):
            daemon_threads = True

        class TcpServer(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        # Both on one port: the one that TCP got may be taken for UDP.
        for attempt in range(20):
            tcp = TcpServer((self._host, self._port), Tcp)
            try:
                udp = UdpServer((self._host, tcp.server_address[1]), Udp)
            except OSError:
                tcp.server_close()
                if self._port or attempt == 19:
                    raise
                continue
            break
        udp.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._servers = [tcp, udp]
        self.port = tcp.server_address[1]
        self.address = f"{self._host}:{self.port}"
        for s in self._servers:
            threading.Thread(target=s.serve_forever, args=(0.05,),
                             daemon=True).start()
        return self

    def stop(self):
        for s in self._servers:
            s.shutdown()
            s.server_close()
        self._servers = []

    __enter__ = start

    def __exit__(self, *_):
        self.stop()

    def _entry(self, name):
        key = name.to_text(omit_final_dot=True).lower()
        return self.zone.get(key)

    def _exists_below(self, name):
        tail = "." + name.to_text(omit_final_dot=True).lower()
        return any(k.endswith(tail) for k in self.zone)

    def _resolve(self, name, kind, reply):
        """Fill reply in; the rcode, or None for silence."""
        for _ in range(CHAIN_MAX):
            entry = self._entry(name)
            if entry is None:
                return (dns.rcode.NOERROR if self._exists_below(name)
                        else dns.rcode.NXDOMAIN)
            values = entry if isinstance(entry, str) else entry.get(kind)
            if values == "TIMEOUT":
                return None
            if isinstance(values, str):
                return dns.rcode.from_text(values)
            if values:
                reply.answer.append(dns.rrset.from_text(
                    name, self.ttl, dns.rdataclass.IN, kind,
                    *[_complete(kind, v) for v in values]))
                return dns.rcode.NOERROR
            alias = entry.get("CNAME")
            if not alias:
                return dns.rcode.NOERROR
            reply.answer.append(dns.rrset.from_text(
                name, self.ttl, dns.rdataclass.IN, "CNAME",
                _complete("CNAME", alias[0])))
            name = dns.name.from_text(alias[0])
        return dns.rcode.NOERROR

    def _reply(self, wire, tcp):
        query = dns.message.from_wire(wire)
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((question.name.to_text(omit_final_dot=True), kind))
        reply = dns.message.make_response(query, recursion_available=True)
        rcode = self._resolve(question.name, kind, reply)
        if rcode is None:
            return None
        reply.set_rcode(rcode)
        if not reply.answer and rcode in (dns.rcode.NOERROR,
                                          dns.rcode.NXDOMAIN):
            reply.authority.append(dns.rrset.from_text(
                ".", self.ttl, dns.rdataclass.IN, "SOA",
                f"ns.test. root.test. 1 3600 600 86400 {self.ttl}"))
        names = [question.name] + [r.name for r in reply.answer]
        secure = not any(
            ("." + n.to_text(omit_final_dot=True).lower()).endswith("." + i)
            for n in names for i in self.insecure)
        if self.ad and secure and query.flags & dns.flags.AD:
            reply.flags |= dns.flags.AD
        if tcp:
            return reply.to_wire(max_size=65535)
        size = max(512, query.payload if query.edns >= 0 else 512)
        try:
            return reply.to_wire(max_size=size)
        except dns.exception.TooBig:
            reply.flags |= dns.flags.TC
            reply.answer.clear()
            reply.authority.clear()
            return reply.to_wire(max_size=size)
