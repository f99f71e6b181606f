"""Write a constant database, as `kereru compile` does (cdb, D. J. Bernstein's
form), for tests of programs that read one: write_cdb(path, {key: value})."""
import struct


def _hash(key):
    h = 5381
    for c in key:
        h = ((h << 5) + h & 0xffffffff) ^ c
    return h


def write_cdb(path, records):
    """Keys and values are bytes or text."""
    def octets(x):
        return x.encode() if isinstance(x, str) else x

    body, tables = b"", [[] for _ in range(256)]
    for key, value in records.items():
        key, value = octets(key), octets(value)
        h = _hash(key)
        tables[h & 255].append((h, 2048 + len(body)))
        body += struct.pack("<LL", len(key), len(value)) + key + value
    head, tail = b"", b""
    for table in tables:
        slots = [(0, 0)] * (2 * len(table))
        head += struct.pack("<LL", 2048 + len(body) + len(tail), len(slots))
        for h, position in table:
            i = (h >> 8) % len(slots)
            while slots[i][1]:
                i = (i + 1) % len(slots)
            slots[i] = (h, position)
        tail += b"".join(struct.pack("<LL", *s) for s in slots)
    with open(path, "wb") as f:
        f.write(head + body + tail)
