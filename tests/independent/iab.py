"""TC and GPP strings, read from protocols/iab/SPEC.md: a second decoder."""

import datetime

from compare import same

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def seconds(time):
    """A time of a document, since 1970."""
    at = datetime.datetime.fromisoformat(time).astimezone(datetime.timezone.utc)
    return int(at.timestamp())


class Bits:
    def __init__(self, text):
        self.bits = "".join(format(ALPHABET.index(c), "06b") for c in text)

    def take(self, count):
        if len(self.bits) < count:
            raise ValueError("ends within a field")
        taken, self.bits = self.bits[:count], self.bits[count:]
        return taken

    def int(self, count):
        return int("0" + self.take(count), 2)

    def flag(self):
        return self.take(1) == "1"

    def set(self, count):
        return [n + 1 for n, bit in enumerate(self.take(count)) if bit == "1"]

    def letters(self):
        return chr(65 + self.int(6)) + chr(65 + self.int(6))

    def time(self):
        at = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=100 * self.int(36))
        return at.isoformat() + "Z"

    def ranges(self):
        ids = set()
        for _ in range(self.int(12)):
            group, first = self.flag(), self.int(16)
            ids.update(range(first, (self.int(16) if group else first) + 1))
        return sorted(ids)

    def vendors(self):
        highest = self.int(16)
        return self.ranges() if self.flag() else self.set(highest)

    def fibonacci(self):
        end = self.bits.index("11")
        code, weights = self.take(end + 1), [1, 2]
        self.take(1)
        while len(weights) < len(code):
            weights.append(weights[-1] + weights[-2])
        return sum(w for w, bit in zip(weights, code) if bit == "1")

    def distances(self):
        ids, last = [], 0
        for _ in range(self.int(12)):
            group = self.flag()
            first = last + self.fibonacci()
            last = first + self.fibonacci() if group else first
            ids.extend(range(first, last + 1))
        return ids

    def end(self):
        if "1" in self.bits:
            raise ValueError("something follows")


def publisher(bits, one, two):
    made = {one: bits.set(24), two: bits.set(24), "custom": bits.int(6)}
    made["custom_" + one] = bits.set(made["custom"])
    made["custom_" + two] = bits.set(made["custom"])
    return made


def head(bits, version):
    if bits.int(6) != version:
        raise ValueError("version")
    return {
        "created": bits.time(),
        "last_updated": bits.time(),
        "cmp_id": bits.int(12),
        "cmp_version": bits.int(12),
        "screen": bits.int(6),
        "language": bits.letters(),
        "vendor_list_version": bits.int(12),
        "policy_version": bits.int(6),
    }


def tc(text):
    core, *segments = text.split(".")
    bits = Bits(core)
    made = head(bits, 2) | {
        "service_specific": bits.flag(),
        "non_standard_texts": bits.flag(),
        "special_features": bits.set(12),
        "purposes_consent": bits.set(24),
        "purposes_interest": bits.set(24),
        "purpose_one_treatment": bits.flag(),
        "publisher_country": bits.letters(),
        "vendors_consent": bits.vendors(),
        "vendors_interest": bits.vendors(),
        "restrictions": [],
        "disclosed_vendors": None,
        "allowed_vendors": None,
        "publisher": None,
    }
    kinds = ["not_allowed", "require_consent", "require_interest"]
    for _ in range(bits.int(12)):
        purpose, kind = bits.int(6), kinds[bits.int(2)]
        made["restrictions"].append({"purpose": purpose, "kind": kind, "vendors": bits.ranges()})
    bits.end()
    for segment in segments:
        bits = Bits(segment)
        match bits.int(3):
            case 1:
                made["disclosed_vendors"] = bits.vendors()
            case 2:
                made["allowed_vendors"] = bits.vendors()
            case 3:
                made["publisher"] = publisher(bits, "consent", "interest")
        bits.end()
    return made


def invalid(string, as_of):
    created, updated = string["created"], string["last_updated"]
    reasons = {
        "not_service_specific": not string["service_specific"],
        "old_policy": string["policy_version"] < 4,
        "interest_not_allowed": bool({3, 4, 5, 6} & set(string["purposes_interest"])),
        "days_differ": created[:10] != updated[:10],
        "not_whole_days": any(not at.endswith("T00:00:00Z") for at in (created, updated)),
        "created_in_future": created[:10] > as_of,
        "disclosed_vendors_missing": created >= "2026-03-01" and string["disclosed_vendors"] is None,
    }
    return [reason for reason, applies in reasons.items() if applies]


def permits(string, vendor):
    disclosed = string["disclosed_vendors"]
    shown = disclosed is None or vendor in disclosed

    def purposes(of, vendors, allowed, against):
        stopped = {
            restriction["purpose"]
            for restriction in string["restrictions"]
            if vendor in restriction["vendors"] and restriction["kind"] in ("not_allowed", against)
        }
        given = set(string[of]) & allowed if shown and vendor in string[vendors] else set()
        return sorted(given - stopped)

    every = set(range(1, 25))
    return {
        "vendor": vendor,
        "consent": purposes("purposes_consent", "vendors_consent", every, "require_interest"),
        "legitimate_interest": purposes(
            "purposes_interest", "vendors_interest", every - {1, 3, 4, 5, 6}, "require_consent"
        ),
    }


def check_tcf(vectors):
    for vector in vectors["strings"]:
        string = tc(vector["text"])
        same("what a TC string says", string, vector["says"])
        reasons = invalid(string, vectors["as_of"])
        same("why it does not count", reasons, vector["invalid"])
        asked = string["vendors_consent"] + string["vendors_interest"]
        answers = None if reasons else [permits(string, vendor) for vendor in asked]
        same("what it permits", answers, vector["permits"])
    return f"{len(vectors['strings'])} TC strings"


# --- the United States --------------------------------------------------------------------------

NAMES = "nat ca va co ut ct fl mt or tx de ia ne nh nj tn mn md in ky ri".split()
SALE, SHARING, ADVERTISING = "sale", "sharing", "targeted_advertising"
# The fields between version and sensitive data, short; then how many values sensitive data and those
# of children have; then the fields that follow. 2026's states begin with the agreement.
LATER = "processing, sale?, ad?, sale, ad"
LAYOUTS = {
    "nat": ("shared, sale?, share?, ad?, sensitive?, limit?, sale, share, ad", 16, 3, "personal, "),
    "ca": ("sale?, share?, limit?, sale, share", 9, 2, "personal, "),
    "va": ("shared, sale?, ad?, sale, ad", 8, 1, ""),
    "co": ("shared, sale?, ad?, sale, ad", 7, 1, ""),
    "ut": ("shared, sale?, ad?, sensitive?, sale, ad", 8, 1, ""),
    "ct": ("shared, sale?, ad?, sale, ad", 8, 3, ""),
    "fl": (LATER, 8, 3, "additional, "),
    "mt": ("shared, sale?, ad?, sale, ad", 8, 3, "additional, "),
    "or": (LATER, 11, 3, "additional, "),
    "tx": (LATER, 8, 1, "additional, "),
    "de": (LATER, 9, 5, "additional, "),
    "ia": ("processing, sale?, ad?, sensitive?, sale, ad", 8, 1, ""),
    "ne": (LATER, 8, 1, "additional, "),
    "nh": (LATER, 8, 3, "additional, "),
    "nj": (LATER, 10, 5, "additional, "),
    "tn": (LATER, 8, 1, "additional, "),
    "mn": (LATER, 8, 1, "additional, "),
}
FIELDS = {
    "shared": "SharingNotice",
    "processing": "ProcessingNotice",
    "sale?": "SaleOptOutNotice",
    "share?": "SharingOptOutNotice",
    "ad?": "TargetedAdvertisingOptOutNotice",
    "sensitive?": "SensitiveDataProcessingOptOutNotice",
    "limit?": "SensitiveDataLimitUseNotice",
    "sale": "SaleOptOut",
    "share": "SharingOptOut",
    "ad": "TargetedAdvertisingOptOut",
    "child": "KnownChildSensitiveDataConsents",
    "personal": "PersonalDataConsents",
    "additional": "AdditionalDataProcessingConsent",
    "covered": "MspaCoveredTransaction",
    "mode": "MspaMode",
    "opt mode": "MspaOptOutOptionMode",
    "provider mode": "MspaServiceProviderMode",
}
SENSITIVE, CHILD = "SensitiveDataProcessing", FIELDS["child"]


def layout(name, long):
    """Fields of the core and how many values each has."""
    if name in ("md", "in", "ky", "ri"):
        child = "" if name == "md" else "child, "
        words = f"covered, mode, {LATER}, {child}additional".split(", ")
        return [(FIELDS[word], 1) for word in words]
    before, sensitive, child, after = LAYOUTS[name]
    if name == "nat" and not long:
        sensitive, child = 12, 2
    after = (after + "covered, opt mode, provider mode").split(", ")
    ones = [[(FIELDS[word], 1) for word in words] for words in (before.split(", "), after)]
    return [*ones[0], (SENSITIVE, sensitive), (CHILD, child), *ones[1]]


def state_section(name, text):
    core, *extra = text.split(".")
    bits = Bits(core)
    made = {"Version": bits.int(6)}
    for field, count in layout(name, len(core) * 6 >= 70):
        values = [bits.int(2) for _ in range(count)]
        made[field] = values if count > 1 else values[0]
    bits.end()
    for segment in extra:
        bits = Bits(segment)
        if name in ("in", "ky", "ri"):
            made[SENSITIVE] = [bits.int(2) for _ in range(8)]
        else:
            same("type of segment", bits.int(2), 1)
            made["Gpc"] = bits.flag()
    return made


def opted_out(made):
    control, child = made.get("Gpc", False), made.get(CHILD, 0)
    return {
        SALE: control or made.get("SaleOptOut") == 1,
        SHARING: control or made.get("SharingOptOut") == 1,
        ADVERTISING: control or made.get("TargetedAdvertisingOptOut") == 1,
        "child": 1 in (child if isinstance(child, list) else [child]),
    }


def check_section(section, text):
    """What of a section is recomputed; what it says was opted out of, if it can say that."""
    number, says = section["id"], section["says"]
    if number == 2:
        same("section 2", tc(text), says)
        return None
    if number == 5:
        bits = Bits(text.split(".")[0])
        same("section 5", head(bits, 1), {k: says[k] for k in head(Bits(text.split(".")[0]), 1)})
        return None
    if number == 6:
        words = {"Y": "yes", "N": "no", "-": "not_applicable"}
        answers = [words[c] for c in text[1:]]
        same("section 6", answers, [says["notice"], says["opted_out_of_sale"], says["covered"]])
        return {SALE: text[2] == "Y", SHARING: False, ADVERTISING: False, "child": False}
    name = NAMES[number - 7]
    same("name", section["name"], "us" + name)
    made = state_section(name, text)
    same(f"section {number}", made, says)
    return opted_out(made)


def check_gpp(vectors):
    count = 0
    for vector in vectors["strings"]:
        header, *texts = vector["text"].split("~")
        bits = Bits(header)
        same("type and version", (bits.int(6), bits.int(6)), (3, 1))
        sections = vector["says"]["sections"]
        same("sections", bits.distances(), [section["id"] for section in sections])
        answers = [check_section(s, text) for s, text in zip(sections, texts, strict=True)]
        answers = [answer for answer in answers if answer is not None]
        opted = {q: any(a[q] for a in answers) for q in (SALE, SHARING, ADVERTISING, "child")}
        same("opted out", opted if answers else None, vector["opted_out"])
        count += len(texts)
    return f"{len(vectors['strings'])} GPP strings of {count} sections"
