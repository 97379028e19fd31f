#!/usr/bin/env python3
"""An independent check of a delivery: the public `standardwebhooks` package verifies what we sent.

    pip install standardwebhooks
    tamis sink --listen … --out … --capture DIR        # and let one delivery arrive
    python3 tests/webhooks/verify.py DIR SECRET_FILE

DIR holds `headers.json` and `body` as `tamis sink --capture` wrote them; SECRET_FILE holds the
destination's `whsec_…` secret. `--any-age` sets the package's clock to the time of the capture.
Exit status: 0 when all holds, 1 when something does not, 2 when the input cannot be read.
"""

import argparse
import base64
import datetime
import json
import pathlib
import sys
import time

import standardwebhooks.webhooks as library


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("capture", type=pathlib.Path)
    parser.add_argument("secret", type=pathlib.Path)
    parser.add_argument("--any-age", action="store_true")
    arguments = parser.parse_args()
    try:
        headers = json.loads((arguments.capture / "headers.json").read_text())
        body = (arguments.capture / "body").read_bytes()
        secret = arguments.secret.read_text().strip()
        sent_at = int(headers["webhook-timestamp"])
    except (OSError, ValueError, KeyError) as error:
        print(f"cannot read the capture: {error!r}", file=sys.stderr)
        return 2
    if arguments.any_age:
        stand_at(sent_at)
    elif abs(time.time() - sent_at) > 300:
        print("hint: the capture is older than five minutes; use --any-age", file=sys.stderr)

    webhook = library.Webhook(secret)
    other = library.Webhook("whsec_" + base64.b64encode(bytes(32)).decode())
    old = dict(headers, **{"webhook-timestamp": str(sent_at - 3600)})
    renamed = dict(headers, **{"webhook-id": headers["webhook-id"] + "0"})
    checks = [
        ("the delivery verifies", accepts(webhook, body, headers)),
        ("an altered body does not", not accepts(webhook, body + b" ", headers)),
        ("another secret does not", not accepts(other, body, headers)),
        ("an older timestamp does not", not accepts(webhook, body, old)),
        ("another id does not", not accepts(webhook, body, renamed)),
        ("the body is what DELIVERY.md says", follows_the_specification(body, headers)),
    ]
    for claim, holds in checks:
        print(f"{'ok  ' if holds else 'FAIL'} {claim}")
    return 0 if all(holds for _, holds in checks) else 1


def accepts(webhook, body: bytes, headers: dict) -> bool:
    try:
        webhook.verify(body, headers)
    except library.WebhookVerificationError:
        return False
    return True


def follows_the_specification(body: bytes, headers: dict) -> bool:
    message = json.loads(body)
    data = message["data"]
    members = data["add"] + data["remove"]
    return (
        message["type"] == "audience.members.changed"
        and headers["content-type"] == "application/json"
        and headers["webhook-id"] == f"{data['delivery']}-{data['sequence']}"
        and len(members) <= 10_000
        and all(len(base64.b64decode(context["enc"])) == 32 for context in data["contexts"])
        and all(is_member(member, len(data["contexts"])) for member in members)
    )


def is_member(member, contexts: int) -> bool:
    if isinstance(member, str):
        return 1 <= len(member.encode()) <= 63
    context, label = member
    return 0 <= context < contexts and len(base64.b64decode(label)) == 88


def stand_at(seconds: int) -> None:
    """Makes the package believe that it is `seconds` after 1970."""

    class Standing(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(seconds, tz=tz)

    library.datetime = Standing


if __name__ == "__main__":
    sys.exit(main())
