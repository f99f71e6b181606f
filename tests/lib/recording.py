"""What processes do to files and folders, and in which order: strace's output
as a recording that tests/crash/replay reads.

Times are lines of that output. A call begins where strace saw it enter the
kernel and ends where it came back: what another process does between may come
before or after it.
"""
import bisect
import re
import subprocess

CALLS = ("execve,exit_group,openat,creat,open,write,writev,pwrite64,pwritev,"
         "fsync,fdatasync,rename,renameat,renameat2,link,linkat,symlink,"
         "symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,truncate,ftruncate,"
         "fallocate,copy_file_range,sendfile,splice,sendto,sendmsg")
HEX = re.compile(r"\\x([0-9a-f]{2})")
# A descriptor with its path, a string, or a word.
ARGUMENT = re.compile(r'(-?\w+)<([^>]*)>|"((?:\\x[0-9a-f]{2})*)"|([^,\s]+)')
SAID = re.compile(rb"250 2\.0\.0 ok, queued as (\w{16})")


class Trace:
    """strace of processes and all that they start."""

    def __init__(self, path, pids):
        self.path = path
        self.process = subprocess.Popen(
            ["strace", "-f", "-y", "-ttt", "-xx", "-s", "1000000", "-e",
             f"trace={CALLS}", "-o", path,
             *(a for p in pids for a in ("-p", str(p)))],
            stderr=subprocess.PIPE, text=True)
        for _ in pids:
            line = self.process.stderr.readline()
            assert "attached" in line, line

    def lines(self):
        self.process.terminate()
        self.process.wait(20)
        self.process.stderr.close()
        with open(self.path, encoding="latin-1") as f:
            return f.read().splitlines()


def octets(text):
    return bytes(int(h, 16) for h in HEX.findall(text))


def path_of(text):
    return octets(text).decode() if "\\x" in text else text


class Call:
    """One system call: name, arguments ((number, path), bytes or a word),
    result, and when it began and ended."""

    def __init__(self, pid, begin, end, text):
        self.pid, self.begin, self.end = pid, begin, end
        self.name, _, rest = text.partition("(")
        inside, _, result = rest.rpartition(") ")
        self.result = result.lstrip("= ").split(" ")[0].split("<")[0]
        self.failed = self.result.startswith(("-1", "?"))
        self.arguments = []
        for number, path, string, word in ARGUMENT.findall(
                inside.replace(">(deleted)", ">")):
            if number:
                self.arguments.append((number, path_of(path)))
            elif word:
                self.arguments.append(word)
            else:
                self.arguments.append(octets(string))

    def at(self, i):
        """The path that arguments i and i + 1 name, as openat's do."""
        name = self.arguments[i + 1].decode()
        if name.startswith("/"):
            return name
        return f"{self.arguments[i][1]}/{name}"


def calls(lines):
    """(calls in the order in which they began, the time of each line)."""
    found, begun, times = [], {}, []
    for n, line in enumerate(lines, 1):
        pid, time, text = re.match(r"(\d+) +([\d.]+) (.*)$", line).groups()
        times.append(float(time))
        if text.startswith(("+++", "---")):
            continue
        if text.endswith("<unfinished ...>"):
            begun[pid] = (n, text.removesuffix("<unfinished ...>").rstrip())
        elif m := re.match(r"<\.\.\. \w+ resumed>(.*)", text):
            if pid in begun:
                begin, start = begun.pop(pid)
                found.append(Call(int(pid), begin, n, start + m[1]))
        else:
            found.append(Call(int(pid), n, n, text))
    # What never came back may have happened.
    for pid, (begin, start) in begun.items():
        if not start.startswith(("exit", "execve")):
            raise AssertionError(f"still running at the end: {start[:200]}")
    found.sort(key=lambda call: call.begin)
    return found, times


class Recording:
    """lines     [begin, end, text, data or None, who]: see disk.h
    created   [(pid, path)] of files
    said      {id: line} of replies that acknowledged a message
    exits     {pid: line} of processes that ended well"""

    def __init__(self, folders, owner, calls_, begin, end):
        """folders {path: (kind, name)}; owner(pid, path) -> (uid, who);
        begin, end: lines of the part that calls_ are of"""
        self.folders = {p: n for n, p in enumerate(folders)}
        self.head = [f"folder {kind} {name}"
                     for kind, name in folders.values()]
        self.inodes, self.paths, self.sizes = [], {}, []
        self.lines, self.said, self.exits = [], {}, {}
        self.owner, self.begin, self.end = owner, begin, end
        self.created = []
        for call in calls_:
            getattr(self, "do_" + call.name, self.do_other)(call)

    def add(self, call, text, data=None):
        _, who = self.owner(call.pid, None)
        self.lines.append([call.begin, call.end, text, data, who])

    def place(self, path):
        """(number of its folder, its name), or None if it is not ours."""
        folder, _, name = path.rpartition("/")
        if folder in self.folders:
            return f"{self.folders[folder]} {name}"
        assert not any(path.startswith(f + "/") for f in self.folders), path
        return None

    def do_other(self, call):
        for a in call.arguments:
            path = a[1] if isinstance(a, tuple) else \
                a.decode(errors="replace") if isinstance(a, bytes) else ""
            assert call.failed or call.name in (
                "execve", "sendto", "sendmsg") or self.place(path) is None, \
                (call.name, path)

    def do_openat(self, call):
        flags = call.arguments[2]
        path = call.at(0)
        place = self.place(path)
        if place is None or call.failed or "O_CREAT" not in flags:
            assert place is None or "O_TRUNC" not in flags, path
            return
        assert "O_EXCL" in flags, path
        uid, _ = self.owner(call.pid, path)
        self.paths[path] = len(self.inodes)
        self.inodes.append(f"file {uid} {call.arguments[3]}")
        self.sizes.append(0)
        self.created.append((call.pid, path))
        folder, name = place.split(" ")
        self.add(call, f"create {{}} {{}} {folder} {name} "
                       f"{len(self.inodes) - 1}")

    def write(self, call, offset):
        number, path = call.arguments[0]
        data = call.arguments[1]
        if path in self.paths and not call.failed:
            inode = self.paths[path]
            data = data[:int(call.result)]
            if offset is None:
                offset = self.sizes[inode]
                self.sizes[inode] += len(data)
            self.add(call, f"write {{}} {{}} {inode} {offset} {len(data)}",
                     data)
        else:
            assert self.place(path) is None, path
            for ident in SAID.findall(data):
                self.said.setdefault(ident.decode(), call.begin)

    def do_write(self, call):
        self.write(call, None)

    def do_sendto(self, call):
        self.write(call, None)

    def do_pwrite64(self, call):
        self.write(call, int(call.arguments[3]))

    def sync(self, call, commits):
        path = call.arguments[0][1]
        if path in self.folders:
            text = f"sync-folder {{}} {{}} {self.folders[path]}"
        elif path in self.paths:
            # The one who has no other way: see common/drop.h.
            commits = commits and self.owner(call.pid, path)[1] == "sendmail"
            text = f"sync-file {{}} {{}} {self.paths[path]} {int(commits)}"
        else:
            return
        assert not call.failed, path
        self.add(call, text)

    def do_fsync(self, call):
        self.sync(call, True)

    def do_fdatasync(self, call):
        self.sync(call, False)

    def do_renameat2(self, call):
        old, new = call.at(0), call.at(2)
        if call.failed:
            return
        a, b = self.place(old), self.place(new)
        assert (a is None) == (b is None), (old, new)
        if a is not None:
            self.paths[new] = self.paths[old]
            self.add(call, f"rename {{}} {{}} {a} {b}")

    do_renameat = do_renameat2

    def do_unlinkat(self, call):
        place = self.place(call.at(0))
        if place is not None and not call.failed:
            self.add(call, f"unlink {{}} {{}} {place}")

    def do_exit_group(self, call):
        if call.arguments[0] == "0":
            self.exits[call.pid] = call.begin

    def content(self, inode):
        """What was written to a file, as it stood in the end."""
        text = bytearray()
        for line in self.lines:
            if m := re.match(rf"write \S+ \S+ {inode} (\d+) ", line[2]):
                at = int(m[1])
                text[at:at + len(line[3])] = line[3]
        return bytes(text)

    def save(self, path, messages, debts, lines=None):
        """messages {word: octets}; debts (since, taken, word, address, failed
        or "-")."""
        with open(path, "wb") as f:
            for line in self.head + self.inodes:
                f.write(line.encode() + b"\n")
            for begin, end, text, data, _ in sorted(
                    self.lines if lines is None else lines,
                    key=lambda one: one[0]):
                f.write(text.format(begin, end).encode() + b"\n")
                if data is not None:
                    f.write(data + b"\n")
            for word, text in messages.items():
                f.write(b"message %s %d\n%s\n" % (
                    word.encode(), len(text), text))
            for debt in debts:
                f.write(("debt %d %d %s %s %s\n" % debt).encode())
            f.write(f"end {self.begin} {self.end}\n".encode())


def line_after(times, moment):
    """The first line that was written after this time."""
    return bisect.bisect_right(times, moment) + 1
