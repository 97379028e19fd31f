"""Kills the service before the N-th call of a kind while somebody withdraws, starts it again, and checks.

    withdrawal.py WORLD CRM GRAPH

Claims, each looked at after every kill:
1. What was acknowledged is there; what was not is wholly there or not at all.
2. Who is in a request is at no destination once its deliveries are done.
3. Nobody is added again after having been removed.
4. Nobody else leaves.

The calls: `fdatasync` and `fsync` (commits, the file of tokens, layers, tiles), `rename` (a file or layer takes
its place), `sendto` and `writev` (answers to the party, batches to the destinations). strace counts them by
thread from the moment it is attached; N grows until the service survives. Destinations are read from their
journals, which have every message: a frame is length u32 LE, 8 bytes of its SHA-256, JSON.
"""

import csv
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time

WORLD, CRM, GRAPH = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
TAMIS, ALL = os.environ["TAMIS"], os.environ.get("STEPS") == "all"
CALLS = ["fdatasync", "fsync", "rename", "sendto", "writev"]
DESTINATIONS = {"dsp-a": "cookie_dsp_a", "dmp-b": "cookie_dmp_b"}
KINDS = {"withdraw": "withdrawal", "oppose": "opposition", "erase": "erasure"}


def canonical(cell):
    address = "".join(cell.split()).lower()
    local, _, domain = address.partition("@")
    if domain in ("gmail.com", "googlemail.com"):
        return local.split("+")[0].replace(".", "") + "@gmail.com"
    return address


def journal(destination):
    """Every change, in order, as (audience, removed, added)."""
    data, at, changes = (WORLD / f"sink-{destination}/journal").read_bytes(), 0, []
    while at + 12 <= len(data):
        length = int.from_bytes(data[at:at + 4], "little")
        payload = data[at + 12:at + 12 + length]
        assert len(payload) == length and hashlib.sha256(payload).digest()[:8] == data[at + 4:at + 12]
        entry = json.loads(payload)
        if entry["entry"] == "batch":
            changes.append((entry["audience"], set(entry["remove"]), set(entry["add"])))
        elif entry["entry"] == "members":
            changes.append((entry["audience"], set(), set(entry["members"])))
        at += 12 + length
    return changes


def members(destination):
    held = {}
    for audience, removed, added in journal(destination):
        held[audience] = held.get(audience, set()) - removed | added
    return held


def tamis(party, *words, patience=120):
    command = [TAMIS, *words, "--home", str(WORLD / party), "--json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=patience)


def ask(party, *words):
    answer = tamis(party, *words)
    assert answer.returncode == 0, (words, answer.returncode, answer.stderr[:300])
    return json.loads(answer.stdout)


class Service:
    def __init__(self):
        ready = WORLD / "ready"
        ready.unlink(missing_ok=True)
        log = open(WORLD / "serve.log", "ab")
        command = [TAMIS, "serve", "--home", str(WORLD / "operator"), "--as-of", "2026-11-22", "--ready-file", str(ready)]
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        for _ in range(600):
            if ready.exists() and ready.stat().st_size:
                return
            time.sleep(0.05)
        raise SystemExit("the service does not start")

    def trap(self, call, nth):
        """From now on it is killed before the N-th such call of a thread."""
        command = ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(self.process.pid),
                   "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={nth}"]
        tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        status = pathlib.Path(f"/proc/{self.process.pid}/status")
        for _ in range(200):
            if "TracerPid:\t0\n" not in status.read_text():
                break
            time.sleep(0.02)
        time.sleep(0.2)  # the other threads
        return tracer

    def died(self, patience):
        try:
            self.process.wait(patience)
            return True
        except subprocess.TimeoutExpired:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()


def settled(party):
    """Waits until every request has come to its end."""
    for one in ask(party, "consent", "requests")["items"]:
        if one["state"] == "open":
            shown = ask(party, "consent", "show", one["id"], "--wait", "--patience", "60")
            assert shown["state"] == "complete", shown
    return ask(party, "consent", "requests")["items"]


# Who is in an audience everywhere, by an e-mail address, a phone number and cookies that no other row has.
emails, phones, jars = {}, {}, {}
for name, path in (("crm", CRM), ("graph", GRAPH)):
    for row in csv.DictReader(open(path, newline="", encoding="utf-8")):
        emails.setdefault(canonical(row["email"]), []).append((name, row))
        digits = "".join(c for c in row["phone"] if c.isdigit())[-9:]
        phones.setdefault(digits, set()).add(canonical(row["email"]))
        for column in DESTINATIONS.values():
            jars.setdefault(row.get(column), []).append(name)
before = {destination: members(destination) for destination in DESTINATIONS}
people = []
for address, rows in sorted(emails.items()):
    if sorted(name for name, _ in rows) != ["crm", "graph"]:
        continue
    graph = dict(rows)["graph"]
    digits = ["".join(c for c in row["phone"] if c.isdigit())[-9:] for _, row in rows]
    if any(number and phones[number] != {address} for number in digits):
        continue
    if any(len(jars[graph[column]]) != 1 for column in DESTINATIONS.values()):
        continue
    cookies = {destination: graph[column] for destination, column in DESTINATIONS.items()}
    if all(any(cookies[d] in held for held in before[d].values()) for d in DESTINATIONS):
        people.append((dict(rows)["crm"]["email"], cookies))
audiences = {d: {name for name in before[d]} for d in DESTINATIONS}
print(f"{len(people)} people to choose from")

gone, requested, kills, silent, unheard = [], 0, 0, 0, 0
plan = [(word, call) for word in KINDS for call in CALLS]
for word, call in plan:
    party = "partner" if word == "erase" else "advertiser"
    nth = 0
    while ALL or nth < 2:
        nth += 1
        email, cookies = people.pop()
        path = WORLD / "person.csv"
        path.write_text("email\n" + email + "\n", encoding="utf-8")
        service = Service()
        known = {one["id"] for one in ask(party, "consent", "requests")["items"]}
        tracer = service.trap(call, nth)
        outcome = tamis(party, "consent", word, str(path), "--region", "AU")
        acknowledged = outcome.returncode == 0
        struck = service.died(6)
        if not struck:
            service.kill()
        tracer.wait()
        kills += struck
        service = Service()
        items = settled(party)
        new = [one for one in items if one["id"] not in known]
        where = f"{word}, before {call} {nth}"
        assert len(new) <= 1, where
        if acknowledged:
            assert new, f"{where}: acknowledged and lost"
        if new:
            assert new[0]["kind"] == KINDS[word], where
            gone.append(cookies)
            unheard += not acknowledged
        else:
            silent += 1
        for destination in DESTINATIONS:
            out = {one[destination] for one in gone}
            for audience, held in members(destination).items():
                expected = before[destination].get(audience, set()) - out
                assert held == expected, f"{where}: {destination} holds {len(held)}, not {len(expected)} of {audience}"
            left = {}
            for audience, removed, added in journal(destination):
                again = left.setdefault(audience, set()) & added
                assert not again, f"{where}: somebody was added again"
                left[audience] |= removed
        requested += 1
        service.kill()
        if not struck:
            break
print(f"{requested} requests, {kills} kills: {silent} left nothing, {unheard} were in effect though nobody heard; "
      "every other one was acknowledged, and nobody of these is at a destination")
sys.exit(0 if kills >= len(CALLS) else 1)
