"""Says what machine a run was on, and how long its disk takes to sync: every figure of a durable store hangs on that.

usage: machine.py FOLDER RESULTS
"""

import json
import os
import platform
import sys
import tempfile
import time

SYNCS = 200
WRITE_BYTES = 4096


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def sync_ms(folder):
    """Median of an appended block and fdatasync, in milliseconds."""
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(SYNCS):
            begin = time.monotonic()
            os.write(file.fileno(), b"\0" * WRITE_BYTES)
            os.fdatasync(file.fileno())
            took.append(time.monotonic() - begin)
    return sorted(took)[SYNCS // 2] * 1000


def main(folder, results):
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    text = f"{cpu_name()}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}"
    figures = {"fdatasync_p50_ms": sync_ms(folder), "load_average": os.getloadavg()[0]}
    with open(results, "a", encoding="utf-8") as file:
        file.write(json.dumps({"label": "machine", "text": text, "figures": figures}) + "\n")
    print(f"{text}; fdatasync {figures['fdatasync_p50_ms']:.2f} ms; load {figures['load_average']:.2f}")
    if figures["load_average"] > 0.5:
        print("warning: the machine is busy with something else; these figures will be too low")


main(*sys.argv[1:])
