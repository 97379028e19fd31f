"""Teaches schemathesis to write the body of an upload: bytes as they are."""

import schemathesis


@schemathesis.serializer("application/offset+octet-stream")
def raw(ctx, value):
    if isinstance(value, bytes):
        return value
    return str(value).encode("utf-8", "surrogatepass")
