"""sts by itself, and a web server with policies.

    web = PolicyServer(certificate)             # pair of files (chain, key)
    web.policies["mta-sts.example.org"] = "version: STSv1\\n..."
    sts = Sts(dns, web, anchors)
    sts.ask("example.org")      # None, or (mode, max_age, [mx, ...])
    sts.report("n", 1, "example.org", ...)
    sts.stop()
"""
import http.server
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading

from cdbfile import write_cdb
from remotealone import BUILD, UID, field

PROGRAM = os.path.join(BUILD, "bin", "sts")
STS_UID = 64996     # stands for kr-sts


class PolicyServer:
    """policies: {host: text, or a function that gets the request}."""

    def __init__(self, certificate):
        outer = self
        self.policies, self.asked = {}, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host = self.headers["Host"].rsplit(":", 1)[0]
                outer.asked.append((host, self.path))
                what = outer.policies.get(host)
                if callable(what):
                    return what(self)
                if what is None:
                    return self.send_error(404)
                self.answer(what)

            def answer(self, text, status=200, kind="text/plain", **more):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True,
            do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
                         daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Sts:
    def __init__(self, dns, web, anchors):
        self.folder = tempfile.mkdtemp(prefix="kereru-sts-", dir="/var/tmp")
        os.chmod(self.folder, 0o755)
        os.chmod(shutil.copy(anchors, os.path.join(self.folder, "ca.pem")),
                 0o644)
        self.own = os.path.join(self.folder, "sts")
        for path in (self.own, self.own + "/cache", self.own + "/reports"):
            os.mkdir(path)
            if os.getuid() == 0:
                os.chown(path, STS_UID, STS_UID)
            os.chmod(path, 0o700)
        if os.getuid() == 0:
            os.chown(self.own, STS_UID, UID)
        os.chmod(self.own, 0o2710)
        write_cdb(os.path.join(self.folder, "settings.cdb"), {
            k: v + "\0" for k, v in {
                "state": self.folder, "resolver": dns.address,
                "tls-anchors": self.folder + "/ca.pem",
                "sts-port": str(web.port), "uid-remote": str(UID),
                "hostname": "mail.kereru.test"}.items()})
        self.lines = []
        self.process = self.socket = None
        self.start()

    def start(self):
        reader, writer = os.pipe()
        program = os.open(PROGRAM, os.O_RDONLY)

        def become():
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(STS_UID)
                os.setuid(STS_UID)

        self.process = subprocess.Popen(
            [f"/proc/self/fd/{program}", "-t", self.folder, "-d",
             str(writer)], pass_fds=(writer, program), preexec_fn=become,
            stderr=subprocess.PIPE, text=True)
        os.close(writer)
        os.close(program)
        threading.Thread(target=self._read, args=(self.process.stderr,),
                         daemon=True).start()
        ready = os.read(reader, 1)
        os.close(reader)
        assert ready == b"\n", self.lines
        self.socket = None

    def _read(self, f):
        for line in f:
            self.lines.append(line.rstrip())

    def connect(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(60)
        s.connect(self.own + "/socket")
        return s

    def ask(self, domain):
        if self.socket is None:
            self.socket = self.connect()
        self.socket.send(b"p" + field(domain))
        return self.answer()

    def answer(self):
        frame = self.socket.recv(32768)
        kind, mode, age, count = struct.unpack(">ccLH", frame[:8])
        assert kind == b"p"
        at, mx = 8, []
        for _ in range(count):
            n = struct.unpack(">H", frame[at:at + 2])[0]
            mx.append(frame[at + 2:at + 2 + n].decode())
            at += 2 + n
        assert at == len(frame)
        return None if mode == b"-" else (mode.decode(), age, mx)

    def report(self, policy, result, domain, host="", sender="", to="",
               why=""):
        if self.socket is None:
            self.socket = self.connect()
        self.socket.send(b"r" + policy.encode() + bytes([result]) +
                         field(domain) + field(host) + field(sender) +
                         field(to) + field(why))

    def end(self, number=signal.SIGTERM):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(20)
        if self.socket is not None:
            self.socket.close()

    def restart(self, number=signal.SIGTERM):
        self.end(number)
        self.start()

    def stop(self):
        self.end()
        shutil.rmtree(self.folder)

