"""Write a constant database, as `kereru compile` does (cdb, D. J. Bernstein's
form), for tests of programs that read one: write_cdb(path, {key: value});
and read one whole: read_cdb(path)."""
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


def read_cdb(path):
    """{key: value}, each bytes; every record must be found by its hash."""
    with open(path, "rb") as f:
        data = f.read()
    tables = [struct.unpack_from("<LL", data, 8 * i) for i in range(256)]
    end = min(position for position, _ in tables)
    records, at = {}, 2048
    while at < end:
        key_len, value_len = struct.unpack_from("<LL", data, at)
        key = data[at + 8:at + 8 + key_len]
        h = _hash(key)
        position, slots = tables[h & 255]
        i = (h >> 8) % slots
        while (found := struct.unpack_from("<LL", data, position + 8 * i)) != (
                h, at):
            assert found[1] != 0, f"{key} has no slot"
            i = (i + 1) % slots
        records[key] = data[at + 8 + key_len:at + 8 + key_len + value_len]
        at += 8 + key_len + value_len
    return records
