"""DuckDB joins two Parquet files of tokens and counts: {"seconds", "count", "rss_mib"}."""

import json
import resource
import sys
import time

import duckdb

left, right = sys.argv[1:]
db = duckdb.connect()
db.execute("SET threads = 2")
began = time.perf_counter()
(count,) = db.execute(f"SELECT count(*) FROM '{left}' a JOIN '{right}' b ON a.token = b.token").fetchone()
seconds = time.perf_counter() - began
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "count": count, "rss_mib": round(rss)}))
