"""Prints the figures of a run beside what they should be, and other stores' as ratios.

usage: table.py RESULTS             for the eye
       table.py --into FILE RESULTS  as Markdown, in the place FILE marks for it
"""

import json
import re
import sys

import table_search

PLACE = re.compile(r"(?<=<!-- figures -->\n).*(?=<!-- end of figures -->)", re.S)

# What `./dev bench` is told to get a label's figures.
CASES = {"bulk": "ingest", "single": "ingest", "sealed": "ingest", "idle": "ingest", "start-empty": "ingest",
         "prove": "integrity", "prove-large": "integrity", "verify-data": "integrity", "verify-data-large": "integrity",
         "verify-bundle": "integrity", "verify-bundle-large": "integrity", "integrity": "integrity",
         "integrity-large": "integrity", "real": "real", "real-sealed": "real", "bulk-large": "start", "start-clean": "start", "start-killed": "start"}


def integrity_rows(size, seconds):
    """Those of `./dev bench integrity`; `seconds`: what verifying the data folder may take."""
    of = f"{{prove{size}}}"
    return [
        (f"proof of a random event of {of}", f"prove{size}", "proof_p50_ms", "ms", None, None),
        ("  p99", f"prove{size}", "proof_p99_ms", "ms", "max", 5),
        ("  the first", f"prove{size}", "proof_first_ms", "ms", None, None),
        (f"tile of 256 leaf hashes of {of}", f"prove{size}", "tile_p50_ms", "ms", None, None),
        ("  p99", f"prove{size}", "tile_p99_ms", "ms", "max", 5),
        ("tile of the level above, p99", f"prove{size}", "tile_above_p99_ms", "ms", "max", 5),
        ("256 entries, p99", f"prove{size}", "entries_p99_ms", "ms", "max", 5),
        (f"verifying a data folder of {of}", f"verify-data{size}", "seconds", "s", seconds and "max", seconds),
        ("  CPU", f"verify-data{size}", "cpu_seconds", "s", None, None),
        ("  memory at its peak", f"verify-data{size}", "peak_mib", "MiB", None, None),
        (f"verifying a bundle of {of}", f"verify-bundle{size}", "seconds", "s", None, None),
        ("  record bytes checked a second", f"verify-bundle{size}", "gb_per_s", "GB", "min", 1),
        ("  record bytes checked a second of CPU time", f"verify-bundle{size}", "gb_per_cpu_s", "GB", None, None),
        (f"bytes for proofs per record, of {of}", f"integrity{size}", "bytes_per_record", "bytes", "max", 0.2),
    ]


# (what, label, figure, unit, "min" or "max" or None, target); {usual}, {large} and {prove} are numbers of events
ROWS = [
    ("bulk ingest, 4 connections, 4 MiB bodies", "bulk", "events_per_s", "events/s", "min", 250000),
    ("  CPU per event, until it is all sealed and merged", "bulk", "cpu_us_per_event", "µs", "max", 6),
    ("  CPU per event, until the last answer", "bulk", "cpu_us_per_event_until_answer", "µs", None, None),
    ("  the load generator's own CPU per event", "bulk", "client_cpu_us_per_event", "µs", "max", 0.5),
    ("  until it is all sealed and merged", "bulk", "settled_events_per_s", "events/s", None, None),
    ("  p99 of a body", "bulk", "p99_ms", "ms", None, None),
    ("one event per request, 64 connections", "single", "events_per_s", "events/s", "min", 20000),
    ("  p50", "single", "p50_ms", "ms", None, None),
    ("  p99", "single", "p99_ms", "ms", "max", 20),
    ("  CPU per event", "single", "cpu_us_per_event", "µs", None, None),
    ("  group commits", "single", "commits", "", None, None),
    ("bytes on disk per event, sealed", "sealed", "net_bytes_per_event", "bytes", "max", 45),
    ("  of these in segments", "sealed", "segment_bytes_per_event", "bytes", None, None),
    ("real records, bulk ingest", "real", "events_per_s", "events/s", "min", 120000),
    ("  CPU per event", "real", "cpu_us_per_event", "µs", None, None),
    ("real records, bytes on disk each, sealed", "real-sealed", "net_bytes_per_event", "bytes", "max", 75),
    ("bulk ingest of {large}", "bulk-large", "events_per_s", "events/s", None, None),
    ("memory after {large}", "bulk-large", "rss_mib", "MiB", "max", 300),
    ("  at its peak", "bulk-large", "rss_peak_mib", "MiB", None, None),
    ("disk when nothing is stored: the journal's first file", "idle", "disk_mib", "MiB", None, None),
    ("memory when idle, nothing stored", "idle", "rss_mib", "MiB", "max", 40),
    ("start, nothing stored", "start-empty", "start_ms", "ms", None, None),
    ("start with {large}, after a clean stop", "start-clean", "start_ms", "ms", "max", 500),
    ("start with {large}, after kill -9", "start-killed", "start_ms", "ms", "max", 500),
] + integrity_rows("", 3) + integrity_rows("-large", None)

# What rows call a number of events, and whose it is.
COUNTS = {"usual": "bulk", "large": "bulk-large", "prove": "prove", "prove-large": "prove-large"}

# (heading, figure, label of stele's own, better is)
PEER_COLUMNS = [
    ("events/s", "events_per_s", "stele", "more"),
    ("CPU µs/event", "cpu_us_per_event", "stele", "less"),
    ("bytes/event", "net_bytes_per_event", "stele-sealed", "less"),
]
PEERS = ["postgres", "postgres-gin", "sqlite", "clickhouse", "clickhouse-zstd", "duckdb"]


def read(path):
    """The last line of each label, with the bytes per event that a folder has beyond an empty one's."""
    with open(path, encoding="utf-8") as file:
        found = {line["label"]: line for line in map(json.loads, file)}
    empty = found.get("idle", {}).get("figures", {}).get("disk_mib", 0)
    for line in found.values():
        figures = line["figures"]
        if figures.get("disk_mib") and "disk_bytes_per_event" in figures:
            share = (figures["disk_mib"] - empty) / figures["disk_mib"]
            figures["net_bytes_per_event"] = figures["disk_bytes_per_event"] * share
        elif "disk_bytes_per_event" in figures:
            figures["net_bytes_per_event"] = figures["disk_bytes_per_event"]
    return found


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def verdict(value, way, target):
    if way is None:
        return ""
    return "reached" if (value >= target if way == "min" else value <= target) else "MISSED"


def events_of(found, label):
    """A number of events as people write it: 2 M."""
    events = found.get(label, {}).get("figures", {}).get("events", 0)
    return f"{events / 1e6:g} M" if events >= 1e6 else f"{events:,.0f}"


def target_rows(found):
    counts = {name: events_of(found, label) for name, label in COUNTS.items()}
    for what, label, figure, unit, way, target in ROWS:
        value = found.get(label, {}).get("figures", {}).get(figure)
        if value is None:
            continue
        wanted = "" if way is None else f"{'≥' if way == 'min' else '≤'} {number(target)}"
        yield [what.format(**counts), f"{number(value)} {unit}".strip(), wanted,
               verdict(value, way, target), CASES[label]]


def ratio(value, own, better):
    """How many times better Stele is."""
    if not value or not own:
        return ""
    times = own / value if better == "more" else value / own
    return f" ({number(times)}×)"


def peer_rows(found):
    own = [found.get(label, {}).get("figures", {}).get(figure) for _, figure, label, _ in PEER_COLUMNS]
    yield ["stele"] + [number(value) if value is not None else "" for value in own]
    for name in PEERS:
        figures = found.get(name, {}).get("figures")
        if figures:
            yield [name] + [number(figures[figure]) + ratio(figures[figure], mine, better)
                            for (_, figure, _, better), mine in zip(PEER_COLUMNS, own)]


def plain(head, rows):
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    for row in [head] + rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        yield "  ".join(cells).rstrip()


def markdown(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|---" + "|---:" * (len(head) - 1) + "|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def lines(found, show):
    machine = found.get("machine")
    if machine:
        yield f"{machine['text']}; an fdatasync takes {machine['figures']['fdatasync_p50_ms']:.2f} ms"
        yield ""
    rows = list(target_rows(found))
    if rows:
        yield from show(["figure", "measured", "target", "", "./dev bench"], rows)
        yield ""
    if "stele" in found:
        events = events_of(found, "stele")
        yield f"{events} of the same events in other stores (`./dev bench peers`); in brackets how many times"
        yield "better Stele is."
        yield ""
        yield from show(["store"] + [heading for heading, *_ in PEER_COLUMNS], list(peer_rows(found)))
        yield ""
    yield from table_search.lines(found, show)


def write_into(path, text):
    with open(path, encoding="utf-8") as file:
        old = file.read()
    if not PLACE.search(old):
        sys.exit(f"{path} has no place for figures")
    with open(path, "w", encoding="utf-8") as file:
        file.write(PLACE.sub(lambda _: text, old))


def main(arguments):
    found = read(arguments[-1])
    if arguments[0] == "--into":
        write_into(arguments[1], "\n".join(["", *lines(found, markdown), "", ""]))
    else:
        print("\n".join(["", *lines(found, plain)]))


main(sys.argv[1:])
