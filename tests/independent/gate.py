"""The release gate from protocols/release/SPEC.md: policy, counts, cells and choices."""

import hashlib

from compare import mac, same, unhex

POLICY_VERSION = 2
POLICY = (
    "k_min", "cell_min", "noise_scale", "round_to", "pair_cap", "partner_cap", "window_days",
    "look_back_days", "upload_min", "tenure_days", "window_minutes",
)


def policy_digest(policy):
    """Of the whole release policy: its version and parameters in 4 bytes each (protocols/release)."""
    same("parameters", sorted(policy), sorted(POLICY))
    numbers = [POLICY_VERSION, *(policy[name] for name in POLICY)]
    encoded = b"".join(number.to_bytes(4, "big") for number in numbers)
    return hashlib.sha256(b"tamis/v1/release-policy" + encoded).digest()


def margin(policy):
    return -(-131224 * policy["noise_scale"] // 10000)


def count_of(policy, persons, draw):
    """What may be told of so many persons; None: below minimum."""
    noised, step = max(persons + draw, 0), policy["round_to"]
    if persons < policy["k_min"] or noised < policy["k_min"] + margin(policy):
        return None
    return min((noised + step // 2) // step * step, 1 << 63)


def check_decisions(vectors):
    count = 0
    for vector in vectors:
        policy = vector["policy"]
        same("digest", policy_digest(policy), vector["digest"])
        same("piece", policy["cell_min"] + margin(policy), vector["piece"])
        same("threshold", policy["k_min"] + margin(policy), vector["threshold"])
        charge = -(-1000 // policy["noise_scale"])
        same("charges", {"count": charge, "audience": 2 * charge}, vector["charges"])
        for case in vector["counts"]:
            same("about", count_of(policy, case["persons"], case["draw"]), case["about"])
            count += 1
    return f"{count} counts under {len(vectors)} policies"


def members(ranges):
    return {person for start, end in ranges for person in range(start, end)}


def as_ranges(persons):
    ranges = []
    for person in sorted(persons):
        if ranges and ranges[-1][1] == person:
            ranges[-1][1] += 1
        else:
            ranges.append([person, person + 1])
    return ranges


def chooser(key, subject):
    def block(what, one, other):
        parts = [len(subject).to_bytes(8, "big"), subject, what]
        parts += [one.to_bytes(8, "big"), other.to_bytes(8, "big")]
        return mac(key, b"".join(parts))

    def positions(cell, total, wanted):
        order = list(range(total))
        for i in range(min(wanted, total)):
            lane = 8 * (i % 4)
            draw = int.from_bytes(block(b"held", cell, i // 4)[lane : lane + 8], "big")
            j = i + draw % (total - i)
            order[i], order[j] = order[j], order[i]
        return order[: min(wanted, total)]

    def share(persons, percent):
        limit, chosen = (65536 * percent + 50) // 100, set()
        for person in persons:
            at = 2 * (person % 16)
            if int.from_bytes(block(b"share", person // 16, 0)[at : at + 2], "big") < limit:
                chosen.add(person)
        return chosen

    return positions, share


def let_through(policy, cell, hits, previous, draws, positions):
    """Who of one cell is emitted; None: nobody."""
    piece, least = policy["cell_min"] + margin(policy), policy["cell_min"]
    hits, rest = sorted(hits), len(cell) - len(hits)
    first, second = draws.pop(0), draws.pop(0)
    if len(hits) < least or len(hits) + first < piece:
        return None
    if rest >= least and rest + second >= piece:
        return set(hits)
    if previous is not None:
        return set(cell) if cell <= previous else None
    held = max(piece - rest, 0)
    if len(hits) + first < 2 * piece or len(hits) - held < least:
        return None
    return set(hits) - {hits[at] for at in positions(hits[0], len(hits), held)}


def check_audiences(vectors):
    policy, key = vectors["policy"], unhex(vectors["choice_key"])
    population = set(range(vectors["population"]))
    for case in vectors["audiences"]:
        positions, share = chooser(key, case["subject"].encode())
        history = [members(ranges) for ranges in case["history"]]
        cells = {}
        for person in population:
            cells.setdefault(tuple(person in known for known in history), set()).add(person)
        previous = None if case["previous"] is None else history[case["previous"]]
        asked, chosen, earlier = members(case["hits"]), set(), set()
        if case["holdout"]:
            chosen = share(asked, min(case["holdout"]["percent"], 50))
            if case["holdout"]["earlier"] is not None:
                earlier = members(case["holdout"]["earlier"])
                chosen = (chosen - (previous or set())) | earlier
        hits, draws = asked - chosen, list(case["draws"])
        emitted, delivered = set(), set()
        touched = [cell for cell in cells.values() if cell & hits]
        for cell in sorted(touched, key=lambda cell: min(cell & hits)):
            through = let_through(policy, cell, cell & hits, previous, draws, positions)
            if through is not None:
                emitted |= through
                delivered |= cell
        chosen -= emitted
        about = count_of(policy, len(emitted), draws.pop(0))
        control = None
        if case["holdout"]:
            control = count_of(policy, len(chosen & asked & (delivered | earlier & population)), draws.pop(0))
        same("draws left", draws, [])
        if about is None or (case["holdout"] and control is None):
            about, control, emitted, chosen = None, None, set(), earlier
        same(f"about {case['what']}", about, case["about"])
        same(f"control of {case['what']}", control, case["control"])
        same(f"emitted: {case['what']}", as_ranges(emitted), case["emitted"])
        same(f"chosen: {case['what']}", as_ranges(chosen), case["chosen"])
    return f"{len(vectors['audiences'])} audiences"
