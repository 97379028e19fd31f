"""Consent records, read strictly as protocols/consent/SPEC.md says, "Bytes"."""

import re

from compare import Different, mac, refused, same, unhex

STATES = ["given", "refreshed", "narrowed", "withdrawn", "opposed", "expired"]
# Years −9999 to 9999, as the clock of the implementation has them.
EARLIEST, LATEST = -377705023201, 253402207200


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, count):
        if count > len(self.data):
            raise Different("the bytes end too soon")
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def time(self):
        seconds = int.from_bytes(self.take(8), "big", signed=True)
        return within(seconds, EARLIEST <= seconds <= LATEST)

    def text(self, pattern=None):
        length = self.number(2)
        raw = self.take(within(length, length <= 256))
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Different("not UTF-8") from None
        return within(text, pattern is None or re.fullmatch(pattern, text, re.ASCII))

    def purposes(self):
        bits = self.number(4)
        return within(bits, bits < 1 << 24)

    def interests(self):
        bits = self.purposes()
        return within(bits, bits != 0)

    def recipients(self):
        count = self.number(1)
        within(None, count <= 32)
        names = [self.text(r"[a-z0-9:.-]{1,64}") for _ in range(count)]
        return within(names, names == sorted(set(names)))

    def history(self):
        count = self.number(1)
        within(None, 1 <= count <= 32)
        events = []
        for _ in range(count):
            state = self.number(1)
            within(None, 1 <= state <= 6)
            events.append([STATES[state - 1], self.time()])
        times = [at for _, at in events]
        return within(events, times == sorted(times))


def within(value, good):
    if not good:
        raise Different("a field outside its range")
    return value


FIELDS = [
    ("given_at", Reader.time),
    ("notice_version", Reader.text),
    ("source", Reader.text),
    ("opposed", lambda reader: True),
    ("interests", Reader.interests),
    ("record_id", lambda reader: reader.text(r"[!-~]{1,64}")),
    ("recipients", Reader.recipients),
    ("notice_hash", lambda reader: reader.take(32).hex()),
    ("language", lambda reader: reader.text(r"(?=.{1,35}\Z)[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")),
    ("journey", Reader.text),
    ("jurisdiction", lambda reader: reader.text(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")),
    ("valid_until", Reader.time),
    ("history", Reader.history),
]


def read(data):
    reader = Reader(data)
    basis = reader.number(1)
    within(None, basis <= 6)
    record = {"basis": basis, "purposes": reader.purposes()}
    fields = reader.number(2)
    within(None, fields < 1 << 13)
    for bit, (name, field) in enumerate(FIELDS):
        if fields >> bit & 1:
            record[name] = field(reader)
    within(None, not reader.data)
    return record


def check_records(vectors):
    for vector in vectors["records"]:
        data = unhex(vector["bytes"])
        same("record", read(data), {"basis": 0, "purposes": 0, **vector["record"]})
        made = mac(unhex(vector["salt"]), b"tamis/v2/consent-record" + data)
        same("commitment", made.hex(), vector["commitment"])
    for vector in vectors["refused"]:
        refused(vector["because"], lambda: read(unhex(vector["bytes"])))
    return f"{len(vectors['records'])} records, {len(vectors['refused'])} refused"
