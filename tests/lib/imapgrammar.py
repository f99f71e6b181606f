"""A strict reader of IMAP responses: RFC 3501 and 9051, and the extensions
that imapd has. check(response) raises Wrong where an octet is not what the
grammar wants. A response is given without its last CRLF, literals in place."""
import re


class Wrong(Exception):
    pass


ATOM = rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+'
ASTRING = rb'[^\x00-\x20\x7f-\xff(){%*"\\]+'
KEYWORD = rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+'
SET = rb"(?:\d+(?::\d+)?)(?:,\d+(?::\d+)?)*"
FLAG = rb"\\?" + KEYWORD
DATE_TIME = (rb'"[ \d]\d-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'
             rb'-\d{4} \d\d:\d\d:\d\d [+-]\d{4}"')
NUMBER = rb"(?:0|[1-9]\d*)"
POSITIVE = rb"[1-9]\d*"
TEXT = rb"[\x01-\x09\x0b\x0c\x0e-\x7f]+"
TEXT8 = rb"[\x01-\x09\x0b\x0c\x0e-\xff]+"
LIST_FLAGS = {
    b"\\noinferiors", b"\\noselect", b"\\marked", b"\\unmarked",
    b"\\haschildren", b"\\hasnochildren", b"\\nonexistent", b"\\subscribed",
    b"\\remote", b"\\all", b"\\archive", b"\\drafts", b"\\flagged",
    b"\\important", b"\\junk", b"\\sent", b"\\trash"}
SYSTEM_FLAGS = {b"\\answered", b"\\flagged", b"\\deleted", b"\\seen",
                b"\\draft", b"\\recent"}
STATUS_ITEMS = {b"MESSAGES": NUMBER, b"RECENT": NUMBER, b"UIDNEXT": POSITIVE,
                b"UIDVALIDITY": POSITIVE, b"UNSEEN": NUMBER,
                b"DELETED": NUMBER, b"SIZE": NUMBER, b"HIGHESTMODSEQ": NUMBER,
                b"APPENDLIMIT": rb"(?:NIL|" + NUMBER + rb")",
                b"DELETED-STORAGE": NUMBER,
                b"MAILBOXID": rb"\([A-Za-z0-9_-]{1,255}\)"}


class Reader:
    def __init__(self, data, utf8=False):
        self.data, self.pos, self.utf8 = data, 0, utf8

    def wrong(self, what):
        raise Wrong("%s at %d: %r[here]%r" % (
            what, self.pos, self.data[max(0, self.pos - 80):self.pos],
            self.data[self.pos:self.pos + 80]))

    def match(self, pattern, flags=0):
        m = re.compile(pattern, flags).match(self.data, self.pos)
        if m:
            self.pos = m.end()
        return m and m[0]

    def need(self, pattern, flags=0):
        got = self.match(pattern, flags)
        if got is None:
            self.wrong("wanted %r" % pattern)
        return got

    def word(self, *words):
        got = self.need(ATOM).upper()
        if got not in words:
            self.pos -= len(got)
            self.wrong("wanted one of %r" % (words,))
        return got

    def space(self):
        self.need(rb" (?! )")

    def peek(self):
        return self.data[self.pos:self.pos + 1]

    def end(self):
        if self.pos != len(self.data):
            self.wrong("wanted the end")

    def string(self, binary=False):
        if self.peek() == b'"':
            chars = rb"[^\x00\r\n\"\\\x80-\xff]"
            if self.utf8:
                chars = rb"[^\x00\r\n\"\\]"
            got = self.need(rb'"(?:' + chars + rb'|\\["\\])*"')
            if self.utf8:
                got.decode("utf-8")
            return re.sub(rb"\\(.)", rb"\1", got[1:-1])
        tilde = binary and self.match(rb"~")
        n = int(self.need(rb"\{%s\}\r\n" % NUMBER)[1:-3])
        if len(self.data) - self.pos < n:
            self.wrong("short literal")
        text = self.data[self.pos:self.pos + n]
        if b"\0" in text and not tilde:
            self.wrong("NUL in a literal")
        self.pos += n
        return text

    def nstring(self, binary=False):
        return None if self.match(rb"NIL(?![^ )])") else self.string(binary)

    def astring(self):
        if self.peek() in b'"{':
            return self.string()
        return self.need(ASTRING)

    def listed(self, item, empty=True, blank=True):
        out = []
        self.need(rb"\(")
        if empty and self.match(rb"\)"):
            return out
        while True:
            out.append(item())
            if self.match(rb"\)"):
                return out
            if blank:
                self.space()

    # Parts

    def flag(self):
        got = self.need(FLAG)
        if got[:1] == b"\\" and got.lower() not in SYSTEM_FLAGS:
            self.wrong("unknown flag %r" % got)
        return got

    def permanent_flag(self):
        return self.match(rb"\\\*") or self.flag()

    def address(self):
        self.need(rb"\(")
        for i in range(4):
            if i:
                self.space()
            self.nstring()
        self.need(rb"\)")

    def addresses(self):
        if not self.match(rb"NIL"):
            self.listed(self.address, empty=False, blank=False)

    def envelope(self):
        self.need(rb"\(")
        for i in range(10):
            if i:
                self.space()
            if 2 <= i <= 7:
                self.addresses()
            else:
                self.nstring()
        self.need(rb"\)")

    def parameters(self):
        def pair():
            self.string()
            self.space()
            self.string()
        if not self.match(rb"NIL"):
            self.listed(pair, empty=False)

    def disposition(self):
        if self.match(rb"NIL"):
            return
        self.need(rb"\(")
        self.string()
        self.space()
        self.parameters()
        self.need(rb"\)")

    def languages(self):
        if self.peek() == b"(":
            self.listed(self.string, empty=False)
        else:
            self.nstring()

    def extension(self):
        for part in (self.disposition, self.languages, self.nstring):
            if not self.match(rb" "):
                return
            part()

    def body(self, extended, depth=0):
        self.need(rb"\(")
        if self.peek() == b"(":
            while self.peek() == b"(":
                self.body(extended, depth + 1)
            self.space()
            self.string()
            if extended and self.match(rb" "):
                self.parameters()
                self.extension()
            self.need(rb"\)")
            return
        kind = self.string().upper()
        self.space()
        subtype = self.string().upper()
        self.space()
        self.parameters()
        for item in (self.nstring, self.nstring, self.string):
            self.space()
            item()
        self.need(rb" " + NUMBER)
        if kind == b"TEXT":
            self.need(rb" " + NUMBER)
        elif kind == b"MESSAGE" and subtype in (b"RFC822", b"GLOBAL"):
            self.space()
            self.envelope()
            self.space()
            self.body(extended, depth + 1)
            self.need(rb" " + NUMBER)
        if extended and self.match(rb" "):
            self.nstring()
            self.extension()
        self.need(rb"\)")

    def section(self):
        self.need(rb"\[")
        if self.match(rb"\]"):
            return
        part = self.match(POSITIVE + rb"(?:\." + POSITIVE + rb")*")
        if part and self.match(rb"\]"):
            return
        if part:
            self.need(rb"\.")
        words = rb"(?:HEADER\.FIELDS(?:\.NOT)?|HEADER|TEXT"
        got = self.need(words + (rb"|MIME)" if part else rb")"))
        if b"FIELDS" in got:
            self.space()
            self.listed(self.astring, empty=False)
        self.need(rb"\]")

    def part_section(self):
        self.need(rb"\[(?:" + POSITIVE + rb"(?:\." + POSITIVE + rb")*)?\]")

    def fetch_item(self):
        name = self.need(rb"[A-Z0-9.]+").upper()
        if name in (b"BODY", b"BINARY") and self.peek() == b"[":
            (self.section if name == b"BODY" else self.part_section)()
            self.match(rb"<" + NUMBER + rb">")
            self.space()
            self.nstring(binary=name == b"BINARY")
            return name
        if name == b"BINARY.SIZE":
            self.part_section()
            self.need(rb" " + NUMBER)
            return name
        self.space()
        if name == b"FLAGS":
            self.listed(self.flag)
        elif name == b"UID":
            self.need(POSITIVE)
        elif name == b"INTERNALDATE":
            self.need(DATE_TIME)
        elif name == b"SAVEDATE":
            self.need(rb"NIL|" + DATE_TIME)
        elif name == b"RFC822.SIZE":
            self.need(NUMBER)
        elif name in (b"RFC822", b"RFC822.HEADER", b"RFC822.TEXT",
                      b"PREVIEW"):
            self.nstring()
        elif name == b"ENVELOPE":
            self.envelope()
        elif name in (b"BODY", b"BODYSTRUCTURE"):
            self.body(name == b"BODYSTRUCTURE")
        elif name == b"MODSEQ":
            self.need(rb"\(" + POSITIVE + rb"\)")
        elif name == b"EMAILID":
            self.need(rb"\([A-Za-z0-9_-]{1,255}\)")
        elif name == b"THREADID":
            self.need(rb"NIL|\([A-Za-z0-9_-]{1,255}\)")
        else:
            self.wrong("unknown item %r" % name)
        return name

    # Response codes

    def code(self):
        self.need(rb"\[")
        name = self.need(rb"[A-Z0-9-]+")
        if name == b"CAPABILITY":
            self.capabilities()
        elif name in (b"PERMANENTFLAGS",):
            self.space()
            self.listed(self.permanent_flag)
        elif name in (b"UIDNEXT", b"UIDVALIDITY", b"UNSEEN",
                      b"HIGHESTMODSEQ"):
            self.need(rb" " + POSITIVE)
        elif name == b"APPENDUID":
            self.need(rb" " + POSITIVE + rb" " + SET)
        elif name == b"COPYUID":
            self.need(rb" " + POSITIVE + rb" " + SET + rb" " + SET)
        elif name in (b"MODIFIED",):
            self.need(rb" " + SET)
        elif name == b"BADCHARSET":
            if self.match(rb" "):
                self.listed(self.astring, empty=False)
        elif name == b"BADURL":
            self.need(rb" [\x01-\x09\x0b\x0c\x0e-\x5b\x5e-\xfe]+")
        elif name == b"MAILBOXID":
            self.need(rb" \([A-Za-z0-9_-]{1,255}\)")
        elif name == b"METADATA":
            self.need(rb" (?:LONGENTRIES %s|MAXSIZE %s|TOOMANY|NOPRIVATE)"
                      % (NUMBER, NUMBER))
        elif name == b"BADEVENT":
            self.space()
            self.listed(lambda: self.need(ATOM), empty=False)
        elif name == b"INPROGRESS":
            self.match(rb" \(\"[^\"]*\" (?:NIL|\d+) (?:NIL|\d+)\)")
        elif name == b"NOUPDATE":
            self.space()
            self.string()
        elif name not in (
                b"ALERT", b"PARSE", b"READ-ONLY", b"READ-WRITE", b"TRYCREATE",
                b"UIDNOTSTICKY", b"CLOSED", b"NOMODSEQ", b"UNAVAILABLE",
                b"AUTHENTICATIONFAILED", b"AUTHORIZATIONFAILED", b"EXPIRED",
                b"PRIVACYREQUIRED", b"CONTACTADMIN", b"NOPERM", b"INUSE",
                b"EXPUNGEISSUED", b"CORRUPTION", b"SERVERBUG", b"CLIENTBUG",
                b"CANNOT", b"LIMIT", b"OVERQUOTA", b"ALREADYEXISTS",
                b"NONEXISTENT", b"NOTSAVED", b"HASCHILDREN", b"UNKNOWN-CTE",
                b"TOOBIG", b"USEATTR", b"COMPRESSIONACTIVE", b"UIDREQUIRED",
                b"NOTIFICATIONOVERFLOW"):
            self.wrong("unknown code %r" % name)
        self.need(rb"\]")
        return name

    def condition(self, status):
        self.space()
        if self.peek() == b"[":
            self.code()
            self.space()
        self.need(TEXT8 if self.utf8 else TEXT)

    # Data

    def capabilities(self):
        words = []
        while self.match(rb" "):
            words.append(self.need(ATOM))
        if len(set(words)) != len(words):
            self.wrong("a capability twice")
        if not {b"IMAP4rev1", b"IMAP4rev2"} & set(words):
            self.wrong("no IMAP4rev1")
        return words

    def extended(self):
        """mbox-list-extended-item"""
        tag = self.astring().upper()
        self.space()
        if tag == b"CHILDINFO":
            self.listed(lambda: self.need(
                rb'"(?:SUBSCRIBED|SPECIAL-USE)"'), empty=False)
        elif tag == b"OLDNAME":
            self.listed(self.astring, empty=False)
        else:
            self.wrong("unknown LIST data %r" % tag)

    def listing(self, word):
        def attribute():
            got = self.need(rb"\\" + ATOM)
            if got.lower() not in LIST_FLAGS:
                self.wrong("unknown attribute %r" % got)
            return got.lower()
        self.space()
        got = self.listed(attribute)
        if len(set(got)) != len(got):
            self.wrong("an attribute twice")
        if b"\\haschildren" in got and b"\\hasnochildren" in got:
            self.wrong("children and none")
        if b"\\nonexistent" in got and b"\\noselect" in got:
            self.wrong("\\NonExistent implies \\Noselect")
        self.space()
        self.need(rb'"(?:[^\\"]|\\["\\])"|NIL')
        self.space()
        self.astring()
        if self.match(rb" "):
            self.listed(self.extended)

    def status(self):
        self.space()
        self.astring()
        self.space()
        seen = set()

        def item():
            name = self.word(*STATUS_ITEMS)
            if name in seen:
                self.wrong("twice")
            seen.add(name)
            self.space()
            self.need(STATUS_ITEMS[name])
        self.listed(item)

    def esearch(self):
        if self.match(rb" \(TAG "):
            self.string()
            self.need(rb"\)")
        self.match(rb" UID(?![^ ])")
        while self.match(rb" "):
            name = self.need(rb"MIN|MAX|COUNT|ALL|MODSEQ|PARTIAL|ADDTO|"
                             rb"REMOVEFROM")
            if name in (b"MIN", b"MAX", b"MODSEQ"):
                self.need(rb" " + POSITIVE)
            elif name == b"COUNT":
                self.need(rb" " + NUMBER)
            elif name == b"ALL":
                self.need(rb" " + SET)
            elif name == b"PARTIAL":
                self.need(rb" \(-?\d+:-?\d+ (?:NIL|" + SET + rb")\)")
            else:
                self.need(rb" \(\d+ " + SET + rb"(?: \d+ " + SET + rb")*\)")

    def thread(self):
        self.need(rb"\(")
        if self.match(POSITIVE):
            while self.match(rb" "):
                if self.peek() == b"(":
                    break
                self.need(POSITIVE)
        while self.peek() == b"(":
            self.thread()
        self.need(rb"\)")

    def namespaces(self):
        def one():
            self.need(rb"\(")
            self.string()
            self.space()
            self.need(rb'"(?:[^\\"]|\\["\\])"|NIL')
            self.need(rb"\)")
        self.space()
        if not self.match(rb"NIL"):
            self.listed(one, empty=False, blank=False)

    def quota_resource(self):
        self.need(rb"(?:STORAGE|MESSAGE|MAILBOX) %s %s" % (NUMBER, NUMBER))

    def metadata(self):
        self.space()
        self.astring()
        self.space()
        if self.peek() != b"(":
            self.astring()
            while self.match(rb" "):
                self.astring()
            return

        def pair():
            name = self.astring()
            if not name.startswith((b"/private/", b"/shared/")):
                self.wrong("entry %r" % name)
            self.space()
            self.nstring(binary=True)
        self.listed(pair, empty=False)

    def identification(self):
        def pair():
            self.string()
            self.space()
            self.nstring()
        self.space()
        if not self.match(rb"NIL"):
            self.listed(pair)

    def rights(self):
        """RFC 4314, 7: as an astring."""
        text = self.astring()
        if not re.fullmatch(rb"[a-z0-9]*", text):
            self.wrong("rights %r" % text)
        if len(set(text)) < len(text):
            self.wrong("a right twice")
        return text

    def acl(self, word):
        self.space()
        self.astring()
        if word == b"MYRIGHTS":
            self.space()
            self.rights()
            return
        if word == b"LISTRIGHTS":
            self.space()
            self.astring()
            self.space()
            seen = self.rights()
            while self.match(rb" "):
                seen += self.rights()
            if len(set(seen)) < len(seen):
                self.wrong("a right twice")
            return
        while self.match(rb" "):
            self.astring()
            self.space()
            self.rights()

    def untagged(self):
        if self.peek().isdigit():
            self.need(NUMBER + rb" ")
            word = self.word(b"EXISTS", b"RECENT", b"EXPUNGE", b"FETCH",
                             b"UIDFETCH")
            if word in (b"FETCH", b"UIDFETCH"):
                self.space()
                names = self.listed(self.fetch_item, empty=False)
                if word == b"UIDFETCH" and b"UID" in names:
                    self.wrong("UID in UIDFETCH")
            return word
        word = self.need(rb"[A-Z]+")
        if word in (b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"):
            self.condition(word)
        elif word == b"CAPABILITY":
            self.capabilities()
        elif word == b"FLAGS":
            self.space()
            self.listed(self.flag)
        elif word in (b"LIST", b"LSUB"):
            self.listing(word)
        elif word == b"STATUS":
            self.status()
        elif word in (b"SEARCH", b"SORT"):
            self.need(rb"(?: " + POSITIVE + rb")*")
            self.match(rb" \(MODSEQ " + POSITIVE + rb"\)")
        elif word == b"ESEARCH":
            self.esearch()
        elif word == b"THREAD":
            if self.match(rb" "):
                while self.peek() == b"(":
                    self.thread()
        elif word == b"NAMESPACE":
            for _ in range(3):
                self.namespaces()
        elif word == b"ID":
            self.identification()
        elif word == b"ENABLED":
            self.need(rb"(?: " + ATOM + rb")*")
        elif word == b"VANISHED":
            self.need(rb"(?: \(EARLIER\))? " + SET)
        elif word == b"QUOTA":
            self.space()
            self.astring()
            self.space()
            self.listed(self.quota_resource)
        elif word == b"QUOTAROOT":
            self.space()
            self.astring()
            while self.match(rb" "):
                self.astring()
        elif word == b"METADATA":
            self.metadata()
        elif word in (b"ACL", b"LISTRIGHTS", b"MYRIGHTS"):
            self.acl(word)
        else:
            self.wrong("unknown response %r" % word)
        return word


def check(response, utf8=False):
    """Returns the word that says what it is; a tagged one: its status."""
    r = Reader(response, utf8)
    if r.match(rb"\+"):
        r.need(rb" [\x01-\x09\x0b\x0c\x0e-\x7f]*")
        word = b"+"
    elif r.match(rb"\* "):
        word = r.untagged()
    else:
        r.need(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]+ ')
        word = r.need(rb"OK|NO|BAD")
        r.condition(word)
    r.end()
    return word

