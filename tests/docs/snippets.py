"""Runs the `sh` blocks of README.md and docs/*.md, each file as one script in an empty directory.

Blocks marked `console` are pictures of a session and are not run. `tamis` and `tamis-verify` on the path are the build
under test; `examples/` is linked into the directory.
"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRELUDE = "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n"


def script_of(page: pathlib.Path) -> str:
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.S | re.M)
    return "\n".join(blocks)


def run(page: pathlib.Path, tamis: pathlib.Path) -> bool:
    script = script_of(page)
    if not script:
        return True
    with tempfile.TemporaryDirectory() as work:
        bin_dir = pathlib.Path(work, ".bin")
        bin_dir.mkdir()
        (bin_dir / "tamis").symlink_to(tamis)
        (bin_dir / "tamis-verify").symlink_to(tamis.parent / "tamis-verify")
        pathlib.Path(work, "examples").symlink_to(ROOT / "examples")
        env = dict(os.environ, PATH=f"{bin_dir}:{os.environ['PATH']}", HOME=work)
        process = subprocess.Popen(
            ["bash", "-c", PRELUDE + script], cwd=work, env=env, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            output, _ = process.communicate(timeout=600)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            output, _ = process.communicate(timeout=30)
    ok = process.returncode == 0
    print(f"{page.relative_to(ROOT)}: {'ok' if ok else f'exit code {process.returncode}'}")
    if not ok:
        print(output[-6000:])
    return ok


def main() -> int:
    tamis = pathlib.Path(os.environ.get("TAMIS", ROOT / "target/debug/tamis")).resolve()
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return 0 if all([run(page, tamis) for page in pages]) else 1


if __name__ == "__main__":
    sys.exit(main())
