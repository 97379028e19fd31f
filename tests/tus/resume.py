#!/usr/bin/env python3
"""A public tus client (PyPI tuspy 1.x) completes an upload through a connection that is cut in mid-body.

The client talks to a small relay that passes bytes (TLS, unread) to the service and, once, resets the
connection in the middle of a PATCH. The upload must then go on where it stopped, not start anew, and
end complete. A second upload sends checksums with every chunk.

  resume.py --url https://localhost:8443 --ca ca.pem --cert shop.pem --key shop.key \\
            --collaboration ID [--file batch.arrow] [--size BYTES]

Without --file the bytes are random: the transfer is tested, and the service will refuse the content.
Environment instead of arguments: TAMIS_URL, TAMIS_CA, TAMIS_CERT, TAMIS_KEY, TAMIS_COLLABORATION.
Exit code 0: all holds; 1: something does not.
"""

import argparse
import os
import socket
import struct
import sys
import tempfile
import threading
from urllib.parse import urlsplit


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("url", "ca", "cert", "key", "collaboration"):
        default = os.environ.get("TAMIS_" + name.upper())
        parser.add_argument("--" + name, default=default, required=default is None)
    parser.add_argument("--file", help="what to upload; default: random bytes")
    parser.add_argument("--size", type=int, default=6_000_000, help="how many random bytes")
    return parser.parse_args()


class Relay(threading.Thread):
    """Passes connections on; resets the first one that has carried `cut_after` bytes upwards."""

    def __init__(self, host, port, cut_after):
        super().__init__(daemon=True)
        self.target = (host, port)
        self.cut_after = cut_after
        self.cuts = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(self.target)
            for source, sink, upwards in ((client, server, True), (server, client, False)):
                threading.Thread(
                    target=self.pump, args=(source, sink, upwards), daemon=True
                ).start()

    def pump(self, source, sink, upwards):
        carried = 0
        try:
            while data := source.recv(16384):
                sink.sendall(data)
                carried += len(data)
                if upwards and carried > self.cut_after and self.may_cut():
                    reset(source)
                    reset(sink)
                    return
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            reset(source)
            reset(sink)

    def may_cut(self):
        with self.lock:
            self.cuts += 1
            return self.cuts == 1


def reset(connection):
    """Closes with RST, as a network does that goes away."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    connection.close()


def check(holds, claim):
    print(("ok      " if holds else "FAILED  ") + claim)
    return bool(holds)


def main():
    args = arguments()
    # tuspy cannot be told an authority; requests, which it uses, reads it here.
    os.environ["REQUESTS_CA_BUNDLE"] = args.ca
    import requests
    from tusclient import client as tus

    identity = (args.cert, args.key)
    path = args.file
    if path is None:
        with tempfile.NamedTemporaryFile(delete=False) as made:
            made.write(os.urandom(args.size))
        path = made.name
    size = os.path.getsize(path)

    address = urlsplit(args.url)
    relay = Relay(address.hostname, address.port or 443, cut_after=size // 2)
    relay.start()
    through = f"https://{address.hostname}:{relay.port}"

    def uploader(base, **options):
        client = tus.TusClient(base + "/v1/uploads", client_cert=identity)
        metadata = {"collaboration": args.collaboration, "filename": "batch.arrow"}
        return client.uploader(path, metadata=metadata, retry_delay=1, **options)

    results = []

    # 1. One PATCH with everything; the relay cuts it; tuspy asks with HEAD and goes on.
    resumed_at = []
    upload = uploader(through, retries=5)
    ask = upload.get_offset
    upload.get_offset = lambda: resumed_at.append(ask()) or resumed_at[-1]
    upload.upload()
    results.append(check(relay.cuts >= 1, "the connection was cut in mid-body"))
    results.append(
        check(resumed_at and 0 < resumed_at[0] < size, "what arrived before the cut was kept")
    )
    results.append(check(upload.offset == size, "the upload went on and is complete"))
    view = requests.get(
        f"{args.url}/v1/uploads/{upload.url.rsplit('/', 1)[1]}", cert=identity, timeout=30
    ).json()
    results.append(
        check(view["offset"] == view["length"] == size, "the service has every byte, and no more")
    )
    results.append(check(view["state"] != "receiving", "sealing has begun"))

    # 2. Chunks with checksums.
    upload = uploader(args.url, chunk_size=max(1, size // 4), upload_checksum=True)
    upload.upload()
    results.append(check(upload.offset == size, "an upload in chunks with checksums is complete"))

    # 3. A wrong checksum: 460, and the bytes are discarded.
    upload = uploader(args.url, chunk_size=1000)
    upload.set_url(upload.create_url())
    headers = {
        "Tus-Resumable": "1.0.0",
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": "0",
        "Upload-Checksum": "sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=",
    }
    answer = requests.patch(
        upload.url, data=b"not abc"[: min(size, 7)], headers=headers, cert=identity, timeout=30
    )
    results.append(check(answer.status_code == 460, "a wrong checksum is answered 460"))
    results.append(check(upload.get_offset() == 0, "and its bytes are discarded"))

    # 4. Termination.
    answer = requests.delete(
        upload.url, headers={"Tus-Resumable": "1.0.0"}, cert=identity, timeout=30
    )
    results.append(check(answer.status_code == 204, "an upload can be terminated"))
    gone = requests.head(
        upload.url, headers={"Tus-Resumable": "1.0.0"}, cert=identity, timeout=30
    )
    results.append(check(gone.status_code in (404, 410), "and is gone"))

    if args.file is None:
        os.unlink(path)
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
