#!/usr/bin/env bash
# An auditor's hour, end to end on real processes: fetch, verify, sample, substantiate, pack, verify the pack with
# the small binary, tamper, report.
. tests/support/world.sh
VERIFY=${VERIFY:-$(dirname "$TAMIS")/tamis-verify}

field() { "$PYTHON" -c 'import json,sys; print(eval("d"+sys.argv[1], {"d": json.load(sys.stdin)}))' "$1"; }
refused() { # wanted-code words command…
    local wanted=$1 words=$2 code=0
    shift 2
    "$@" >"$WORLD/said" 2>&1 || code=$?
    [ $code -eq "$wanted" ] || { echo "exit code $code instead of $wanted: $*" >&2; cat "$WORLD/said" >&2; exit 1; }
    grep -q -i -E "$words" "$WORLD/said" || { echo "not said: $words" >&2; cat "$WORLD/said" >&2; exit 1; }
}

world_up
as partner upload examples/graph.csv --region AU >/dev/null
as advertiser upload examples/crm.csv --region AU >/dev/null
as advertiser match >/dev/null
as advertiser collaboration tighten --pair-budget 7 >/dev/null
as advertiser audience create customers --where all --to dsp-a >/dev/null
as advertiser delivery show --wait >/dev/null

echo "fetch and verify: the log alone, offline, with the key of the invitation"
as auditor log fetch --out "$WORLD/log" >/dev/null
cp "$WORLD/log/key" "$WORLD/trusted-key" && cp "$WORLD/log/checkpoint" "$WORLD/kept"
"$VERIFY" "$WORLD/log" --key "$WORLD/trusted-key"
"$VERIFY" "$WORLD/log" | grep -q "The key is the one beside the log"
"$TAMIS" log verify "$WORLD/log"

echo "sample: drawn from the checkpoint; the parties substantiate"
sample=$(as auditor audit sample --n 60 --nonce spring --json | field '["id"]')
refused 1 "not substantiated" as auditor audit pack --out "$WORLD/early.tar.zst"
[ ! -e "$WORLD/early.tar.zst" ]
for party in advertiser partner; do as "$party" audit substantiate --remark "by the records of $party"; done
as auditor audit samples
[ "$(as auditor audit samples --json | field '["items"][0]["open"]')" = 0 ]
refused 2 "advertisers|auditors" as dsp-a audit samples

echo "pack: proven, then written; the small binary proves it again"
as auditor audit pack --out "$WORLD/evidence.tar.zst" --checkpoint "$WORLD/kept"
"$VERIFY" "$WORLD/evidence.tar.zst" --key "$WORLD/trusted-key" --checkpoint "$WORLD/kept"
"$VERIFY" "$WORLD/evidence.tar.zst" --key "$WORLD/trusted-key" --json >"$WORLD/proof.json"
[ "$(field '["report"]["samples"][0]["drawn"]' <"$WORLD/proof.json")" = 60 ]
[ "$(field '["report"]["samples"][0]["sample"]' <"$WORLD/proof.json")" = "$sample" ]
[ "$(field '["report"]["not_checked"]' <"$WORLD/proof.json")" = "[]" ]

echo "a pack is an ordinary archive"
command -v zstd >/dev/null || { echo "there is no zstd to open it here"; exit 77; }
mkdir "$WORLD/pack"
zstd -q -d -c "$WORLD/evidence.tar.zst" | tar -x -C "$WORLD/pack"
"$VERIFY" "$WORLD/pack" --key "$WORLD/trusted-key" >/dev/null
grep -q "^| .* | advertiser | partner | " "$WORLD/pack/SUMMARY.md"

echo "tampering: one byte of every file, a missing file, one too many, a cut pack, another key"
"$PYTHON" - "$WORLD" "$VERIFY" <<'PY'
import pathlib, random, shutil, subprocess, sys
world, verify = pathlib.Path(sys.argv[1]), sys.argv[2]
pack, random = world / "pack", random.Random(7)

def holds(place):
    return subprocess.run([verify, place, "--key", world / "trusted-key"], capture_output=True).returncode

assert holds(pack) == 0
for path in sorted(p for p in pack.rglob("*") if p.is_file()):
    good = path.read_bytes()
    for at in {0, len(good) - 1, *(random.randrange(len(good)) for _ in range(4))} if good else ():
        path.write_bytes(good[:at] + bytes([good[at] ^ 1 << random.randrange(8)]) + good[at + 1:])
        assert holds(pack) == 1, (path, at)
    path.write_bytes(good + b"\n")
    assert holds(pack) == 1, path
    path.write_bytes(good)
(pack / "NOTES.txt").write_text("trust me\n")
assert holds(pack) == 1
(pack / "NOTES.txt").unlink()
assert holds(pack) == 0
whole = (world / "evidence.tar.zst").read_bytes()
for length in (0, 10, len(whole) // 2, len(whole) - 1):
    (world / "cut").write_bytes(whole[:length])
    assert holds(world / "cut") == 1, length
PY
sed 's/^./x/' "$WORLD/trusted-key" >"$WORLD/other-key"
refused 1 "checkpoint" "$VERIFY" "$WORLD/evidence.tar.zst" --key "$WORLD/other-key"
refused 2 "no such file" "$VERIFY" "$WORLD/evidence.tar.zst" --key "$WORLD/no-such-key"

echo "a log that was made shorter than a checkpoint that was kept is found"
as advertiser collaboration tighten --pair-budget 6 >/dev/null
grows() { as auditor log fetch --out "$WORLD/later" && ! cmp -s "$WORLD/kept" "$WORLD/later/checkpoint"; }
await 30 grows
"$VERIFY" "$WORLD/later" --key "$WORLD/trusted-key" --checkpoint "$WORLD/kept" >/dev/null
refused 1 "beginning" "$VERIFY" "$WORLD/log" --key "$WORLD/trusted-key" --checkpoint "$WORLD/later/checkpoint"

echo "report: counts, small cells withheld"
as auditor audit report
as auditor audit report --json >"$WORLD/report.json"
"$PYTHON" - "$WORLD/report.json" <<'PY'
import json, sys
uploads = json.load(open(sys.argv[1]))["uploads"]
assert len(uploads) == 2
for upload in uploads:
    assert set(upload["fields"]) == {"basis", "purpose", "source", "notice_version", "jurisdiction", "age_months", "dropped"}
    assert all(n >= 10 for cells in upload["fields"].values() for n in cells["told"].values())
PY
refused 2 "auditor|role" as advertiser audit report
