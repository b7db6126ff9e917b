"""Runs a program and records how long it took, and what it says of itself.

usage: timed.py RESULTS LABEL PROGRAM [ARGUMENT]...

Wall time, CPU time and peak memory, and the numbers of the last JSON object that the program printed.
"""

import json
import resource
import subprocess
import sys
import time


def last_object(text):
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    return {}


def main(results, label, *command):
    begun = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.monotonic() - begun
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}")
    figures = {"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_mib": usage.ru_maxrss / 1024}
    figures |= {k: v for k, v in last_object(done.stdout).items()
                if isinstance(v, (int, float)) and not isinstance(v, bool)}
    if figures.get("record_bytes"):
        figures["gb_per_s"] = figures["record_bytes"] / 1e9 / seconds
        figures["gb_per_cpu_s"] = figures["record_bytes"] / 1e9 / figures["cpu_seconds"]
    with open(results, "a", encoding="utf-8") as file:
        file.write(json.dumps({"label": label, "figures": figures}) + "\n")
    print(f"\n{label}")
    for name, value in figures.items():
        print(f"  {name:38} {value:14,.3f}")


main(*sys.argv[1:])
