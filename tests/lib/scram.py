"""A client of SCRAM-SHA-256 (RFC 5802, RFC 7677) that can be told to err.

    s = Scram("alice", "secret")
    with LineClient(host, "imaps") as c:
        assert s.login(c) == "ok"       # or "denied", "later"
"""
import base64
import hashlib
import hmac
import os
import re

ITERATIONS = 4096


def b64(data):
    return base64.b64encode(data).decode()


def digest(key, data):
    return hmac.digest(key, data.encode(), "sha256")


def keys(password, iterations=ITERATIONS):
    """What the file passwords has behind the hash."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(digest(salted, "Client Key")).digest()
    return (f"SCRAM-SHA-256${iterations}:{b64(salt)}${b64(stored)}:"
            f"{b64(digest(salted, 'Server Key'))}")


class Scram:
    """header: of client-first; second_header: of client-final; nonce: ours."""

    def __init__(self, user, password, header="n,,", second_header=None,
                 nonce=None):
        self.password = password
        self.header = header
        self.second_header = header if second_header is None else second_header
        self.nonce = nonce or b64(os.urandom(18))
        user = user.replace("=", "=3D").replace(",", "=2C")
        self.bare = f"n={user},r={self.nonce}"
        self.first = self.header + self.bare

    def final(self, server_first, change=lambda message: message):
        """Answer it: change is done before the proof is made."""
        found = re.fullmatch(r"r=([^,]+),s=([^,]+),i=(\d+)", server_first)
        nonce, salt, iterations = found.groups()
        assert nonce.startswith(self.nonce) and len(nonce) > len(self.nonce)
        self.salt, self.iterations = salt, int(iterations)
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(),
                                     base64.b64decode(salt), int(iterations))
        client_key = digest(salted, "Client Key")
        text = change(f"c={b64(self.second_header.encode())},r={nonce}")
        message = f"{self.bare},{server_first},{text}"
        signature = digest(hashlib.sha256(client_key).digest(), message)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self.server_final = "v=" + b64(digest(digest(salted, "Server Key"),
                                              message))
        return f"{text},p={b64(proof)}"

    def login(self, c, change=lambda message: message, initial=True):
        """A whole login over a LineClient."""
        answer = begin(c, self.first, initial)
        challenge = challenge_of(c, answer)
        if challenge is None:
            return c.verdict(answer)
        answer = c.say(b64(self.final(challenge, change).encode()))
        challenge = challenge_of(c, answer)
        if challenge is None:
            return c.verdict(answer)
        assert challenge == self.server_final
        return c.verdict(c.say(""))


def begin(c, first, initial=True):
    if c.kind == "submit":
        c.say("EHLO client.example")
    command = {"submit": "AUTH", "pop3": "AUTH",
               "imap": "l AUTHENTICATE"}[c.kind] + " SCRAM-SHA-256"
    if initial:
        return c.say(f"{command} {b64(first.encode())}")
    assert challenge_of(c, c.say(command)) == ""
    return c.say(b64(first.encode()))


def challenge_of(c, answer):
    """None: it is none."""
    found = re.fullmatch(r"334 (\S*)\r\n" if c.kind == "submit"
                         else r"\+ (\S*)\r\n", answer)
    return found and base64.b64decode(found[1]).decode()
