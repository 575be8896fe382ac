"""Runs a command and prints one JSON line: wall seconds, processor seconds, peak memory of its largest process in MB,
and the bytes that its processes asked to read, as far as a look every two milliseconds saw them.

Usage: measure.py LOG_FILE COMMAND [ARGUMENT ...]
"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import threading
import time

seen = {}


def children(pid):
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield int(child)
            yield from children(int(child))


def look(root):
    for pid in [root, *children(root)]:
        counters = dict(line.split(": ") for line in pathlib.Path(f"/proc/{pid}/io").read_text().splitlines())
        seen[pid] = int(counters["rchar"])


def watch(root, ended):
    while not ended.wait(0.002):
        try:
            look(root)
        except OSError:
            pass  # a process that ends between two looks keeps its last figure


with open(sys.argv[1], "ab") as log:
    start = time.monotonic()
    process = subprocess.Popen(sys.argv[2:], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    ended = threading.Event()
    watcher = threading.Thread(target=watch, args=(process.pid, ended))
    watcher.start()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    ended.set()
    watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
total = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({
    "code": process.returncode,
    "wall": wall,
    "cpu": total.ru_utime + total.ru_stime,
    "peak_mb": total.ru_maxrss / 1024,
    "read_mb": sum(seen.values()) / 1e6,
}))
