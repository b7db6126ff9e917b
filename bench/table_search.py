"""The tables of `./dev bench search`: each question beside what it should take, and other stores' times as ratios."""

# (name in the figures, what is asked, ms at 2 million events, ms at 20 million)
QUESTIONS = [
    ("newest", "newest 100", 1.5, 1.5),
    ("actor", "newest 100 of a frequent actor", 2, 2),
    ("rare_actor", "all 37 of a rare actor", 10, 50),
    ("request_id", "one random request id", 1.5, 3),
    ("phrase", "phrase in the description, newest 100", 3, 3),
    ("phrase_name", "phrase with an actor's name, newest 100", 3, 3),
    ("three_fields", "three fields ANDed, newest 100", 5, 5),
    ("by_action", "count by action", 3, 10),
    ("by_hour", "count by hour", 3, 10),
    ("top_actors", "top 10 actors", 8, 60),
    ("export", "export of one entity type", None, None),
    ("regex", "regex that matches nothing", 60, 600),
]
EXPORT_MS = 300  # for 110,688 events
RATIO_MAX = 2  # under load to alone
RATE_SHARE = 0.98  # of the events wanted a second
HEAD = ["question", "p50, ms", "target", "", "p99", "first", "CPU", "under load: p50", "p99", "ratio", ""]
STORES = ["clickhouse", "clickhouse-zstd", "postgres", "postgres-gin", "sqlite", "duckdb"]


def number(value):
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def reached(value, target):
    return "reached" if value <= target else "MISSED"


def millions(events):
    return f"{events / 1e6:g} M" if events >= 1e6 else f"{events:,.0f}"


def under_load(figures, name):
    ratio = figures.get(f"{name}_fed_ratio")
    if ratio is None:
        return ["", "", "", ""]
    return [number(figures[f"{name}_fed_p50_ms"]), number(figures[f"{name}_fed_p99_ms"]), f"{number(ratio)}×",
            reached(ratio, RATIO_MAX)]


def question_row(figures, name, what, target):
    p50 = figures.get(f"{name}_p50_ms")
    if p50 is None:
        return [what, "not there", number(target) if target else "", "MISSED"] + [""] * (len(HEAD) - 4)
    times = [number(figures[f"{name}_{figure}_ms"]) for figure in ("p99", "first", "cpu")]
    wanted = [f"≤ {number(target)}", reached(p50, target)] if target else ["", ""]
    return [what, number(p50)] + wanted + times + under_load(figures, name)


def question_rows(figures):
    is_large = figures["events"] > 2e6
    for name, what, usual, large in QUESTIONS:
        yield question_row(figures, name, what, large if is_large else usual)
        scaled = figures.get("export_scaled_p50_ms")
        if name == "export" and scaled is not None:
            yield ["  for 110,688 events", number(scaled), f"≤ {EXPORT_MS}", reached(scaled, EXPORT_MS),
                   number(figures["export_scaled_p99_ms"]), f"{number(figures['export_mb_per_s'])} MB/s"] + [""] * 5


def notes(figures, fill):
    """What the run was like, beside the questions."""
    rate, wanted = figures.get("feed_events_per_s"), figures.get("feed_wanted_per_s")
    if wanted:
        verdict = "reached" if rate >= wanted * RATE_SHARE else "MISSED"
        yield (f"Under load {rate:,.0f} events/s came in (wanted {wanted:,.0f}: {verdict}) for "
               f"{figures['feed_seconds']:.0f} s; the latest was sent {figures['feed_late_ms']:.0f} ms behind its time.")
    yield (f"Memory {fill['rss_mib']:.0f} MiB after filling (at its peak {fill['rss_peak_mib']:.0f}), after a start and "
           f"all questions {figures['rss_mib']:.0f} (peak {figures['rss_peak_mib']:.0f}); {fill['disk_mib']:,.0f} MiB on "
           f"disk, {fill['net_bytes_per_event']:.1f} bytes an event, with what the journal still holds.")


def peer_cell(value, own):
    if value is None:
        return ""
    return number(value) + (f" ({number(value / own)}×)" if own else "")


def peer_rows(own, stores, found):
    for name, what, *_ in QUESTIONS:
        mine = own.get(f"{name}_p50_ms")
        yield [what, number(mine) if mine else "not there"] + [
            peer_cell(found[store]["figures"].get(f"{name}_p50_ms"), mine) for store in stores]


def lines(found, show):
    for label in ("search", "search-large"):
        figures = found.get(label, {}).get("figures")
        if not figures:
            continue
        yield f"Questions about {millions(figures['events'])} events (`./dev bench search`), milliseconds."
        yield ""
        yield from show(HEAD, list(question_rows(figures)))
        yield ""
        yield from notes(figures, found[label.replace("search", "fill")]["figures"])
        yield ""
    stores = [store for store in STORES if store in found]
    own = found.get("search", {}).get("figures")
    if own and stores:
        yield f"The same questions about {millions(own['events'])} events in other stores, p50 in milliseconds; in brackets"
        yield "how many times as long as Stele's."
        yield ""
        yield from show(["question", "stele"] + stores, list(peer_rows(own, stores, found)))
        yield ""
