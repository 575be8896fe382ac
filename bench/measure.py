"""Runs a command and prints one JSON line: wall seconds, processor seconds, peak memory of its largest process in MB,
and the MB that its processes asked to read. The system adds what a process read to its parent when that waits for it:
a database server that lives on by itself is not counted.

Usage: measure.py LOG_FILE COMMAND [ARGUMENT ...]
"""
import json
import pathlib
import resource
import subprocess
import sys
import time


def asked_to_read():
    lines = pathlib.Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["rchar"])


with open(sys.argv[1], "ab") as log:
    before = asked_to_read()
    start = time.monotonic()
    done = subprocess.run(sys.argv[2:], stdout=log, stderr=log, stdin=subprocess.DEVNULL, check=False)
    wall = time.monotonic() - start
total = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({
    "code": done.returncode,
    "wall": wall,
    "cpu": total.ru_utime + total.ru_stime,
    "peak_mb": total.ru_maxrss / 1024,
    "read_mb": (asked_to_read() - before) / 1e6,
}))
