"""Runs a command and prints one JSON line: wall seconds, processor seconds, peak memory of its largest process in MB.

Usage: measure.py LOG_FILE COMMAND [ARGUMENT ...]
"""
import json
import resource
import subprocess
import sys
import time

with open(sys.argv[1], "ab") as log:
    start = time.monotonic()
    code = subprocess.run(sys.argv[2:], stdout=log, stderr=log, stdin=subprocess.DEVNULL, check=False).returncode
    wall = time.monotonic() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"code": code, "wall": wall, "cpu": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}))
