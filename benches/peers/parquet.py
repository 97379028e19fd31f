"""Tokens of 16 bytes, one behind the other, as a Parquet file with one column of 16-byte values."""

import sys

import pyarrow as pa
import pyarrow.parquet as pq

source, target = sys.argv[1:]
BATCH = 1 << 20
schema = pa.schema([("token", pa.binary(16))])
with open(source, "rb") as tokens, pq.ParquetWriter(target, schema, compression="none", use_dictionary=False) as out:
    while batch := tokens.read(16 * BATCH):
        column = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(batch) // 16, [None, pa.py_buffer(batch)])
        out.write_table(pa.table([column], schema=schema))
