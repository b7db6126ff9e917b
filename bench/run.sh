#!/bin/sh
# Measures Stele, and other stores over the same events. Called by `./dev bench`, which builds and installs first.
#
# Nothing is ever measured while something else is: one server at a time, and each case waits until the one before has
# nothing left to do. All data is made under build/bench-data and used again; what servers store there is removed.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"

build=${STELE_BUILD:-build}
work=$build/bench-data
results=$work/results.jsonl
real_source=${STELE_REAL_EVENTS:-../shared/data/real-events.jsonl.zst}

usage() {
	cat <<'TEXT'
usage: ./dev bench [CASE]... [OPTION]...

  ingest   bulk and single appends, bytes per event, idle memory
  real     real records (STELE_REAL_EVENTS): rate and bytes each
  search   questions about 2 million and about 20 million events, alone and while 100,000 events a second come in, and
           the same ones put to PostgreSQL, SQLite, ClickHouse and DuckDB
  integrity  of about 2 million and about 20 million events: proofs, tiles, bytes of hashes, verifying the data folder and a
           bundle of all of it
  start    start with 10 million events, after a stop and after kill -9; memory
  peers    appending to these stores, and the questions of search without events coming in
  all      everything (the default)

  --events N       the most events of any case; 200000 is a try of a minute, its figures say little
  --seconds N      search: how long to ask, alone and under load; integrity: how long (30)
  --without-peers  search: only Stele
  --allow-missing  search: leave out what the server does not have, instead of failing
TEXT
}

say() {
	printf '\n== %s\n' "$*"
}

die() {
	printf 'bench: %s\n' "$*" >&2
	exit 1
}

least() {
	if [ "$1" -lt "$2" ]; then echo "$1"; else echo "$2"; fi
}

# ------------------------------------------------------------------------------------------------------------ events

# events_file N: the path of a file with the first N generated events, made when it is not there.
events_file() {
	file=$work/events-rare-$1.jsonl
	if [ ! -s "$file" ]; then
		"$build/bench/stele-gen" --rare 37 "$1" 1 >"$file.part"
		mv "$file.part" "$file"
	fi
	echo "$file"
}

# ------------------------------------------------------------------------------------------------------------ server

server='' folder=''

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# begin_server LABEL: starts it on $folder and records how long it took until it was ready.
begin_server() {
	port=$(free_port)
	url=http://127.0.0.1:$port
	begun=$(date +%s%N)
	"$build/stele" serve --data "$folder" --listen "127.0.0.1:$port" </dev/null >>"$work/server.log" 2>&1 &
	server=$!
	load ready --since "$begun" --settle 120 --label "$1" || die "the server did not start; see $work/server.log"
	key=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["api_key"])' "$folder/bootstrap.json")
}

# new_server: an empty one; what it uses before anything is in it is recorded as `idle`.
new_server() {
	folder=$(mktemp -d "$work/data.XXXXXX")
	key=
	begin_server start-empty
	load figures --label idle
}

# stop_server SIGNAL
stop_server() {
	[ -n "$server" ] || return 0
	kill "-$1" "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
	server=
}

drop_server() {
	stop_server TERM
	[ -z "$folder" ] || rm -rf "$folder"
	folder=
}

# load MODE OPTION...: stele-load against the running server.
load() {
	mode=$1
	shift
	"$build/bench/stele-load" "$mode" --url "$url" --pid "$server" --data "$folder" --key "$key" --json "$results" "$@"
}

# ------------------------------------------------------------------------------------------------------------- cases

bench_bulk() {
	events=$(events_file "$n_usual")
	say "bulk: $n_usual events, 4 connections, bodies of 4 MiB"
	new_server
	load bulk --events "$events" --label bulk
	say 'size once sealed'
	load figures --seal --stored "$n_usual" --label sealed
	drop_server
}

bench_single() {
	events=$(events_file "$n_usual")
	say "single: $n_single events, one a request, 64 connections"
	new_server
	load single --events "$events" --count "$n_single" --connections 64 --label single
	drop_server
}

bench_real() {
	if [ ! -r "$real_source" ]; then
		say "real records: skipped, there is no $real_source (set STELE_REAL_EVENTS)"
		return 0
	fi
	events=$work/real.jsonl
	[ -s "$events" ] || zstd -q -dc "$real_source" >"$events"
	n_real=$(wc -l <"$events")
	say "real records: $n_real, several times over"
	new_server
	load bulk --events "$events" --repeat $(((300000 + n_real - 1) / n_real)) --label real
	drop_server
	say 'real records: once, for their size'
	new_server
	load bulk --events "$events" --label real-once
	load figures --seal --stored "$n_real" --label real-sealed
	drop_server
}

bench_large() {
	events=$(events_file "$n_large")
	say "large: $n_large events"
	new_server
	load bulk --events "$events" --label bulk-large
	say 'start after a clean stop'
	stop_server TERM
	begin_server start-clean
	load figures --label memory-started
	say 'start after kill -9'
	stop_server KILL
	begin_server start-killed
	drop_server
}

# bench_search N SUFFIX RATE: a server that was just started, for the first times; RATE 0: nothing comes in meanwhile.
bench_search() {
	say "search: filling in $1 events"
	new_server
	load fill --count "$1" --label "fill$2"
	stop_server TERM
	begin_server "start$2"
	say "search in $1 events"
	load search --count "$1" --seconds "$seconds" --rate "$3" --label "search$2" ${allow_missing:+--allow-missing}
	drop_server
}

# bench_integrity N SUFFIX: a server that was just started, then its folder with nobody at it.
bench_integrity() {
	say "integrity: filling in $1 events"
	new_server
	load fill --count "$1" --label "fill-integrity$2"
	load figures --seal --stored "$1" --label "sealed-integrity$2"
	stop_server TERM
	begin_server "start-integrity$2"
	say "proofs, tiles and entries of $1 events"
	load prove --count "$1" --seconds "$seconds" --label "prove$2"
	say 'a bundle of all of it'
	"$build/stele" export --url "$url" --key "$key" --format zip --output "$work/bundle.zip"
	curl -s -f -H "Authorization: Bearer $key" "$url/log/default/main/vkey" >"$work/vkey"
	stop_server TERM
	python3 bench/timed.py "$results" "verify-bundle$2" \
		"$build/stele" verify --json --vkey "$work/vkey" "$work/bundle.zip"
	rm -f "$work/bundle.zip"
	python3 bench/integrity.py "$results" "integrity$2" "$build/stele" "$folder"
	python3 bench/timed.py "$results" "verify-data$2" "$build/stele" verify --json --data "$folder"
	drop_server
}

# ------------------------------------------------------------------------------------------------------------- peers

postgres_folder='' postgres_process=''

as_postgres() {
	if [ "$(id -u)" -eq 0 ]; then
		runuser -u postgres -- "$@"
	else
		"$@"
	fi
}

stop_postgres() {
	if [ -n "$postgres_process" ]; then
		as_postgres "$postgres_bin/pg_ctl" -s -D "$postgres_folder/data" -m fast stop || true
		wait "$postgres_process" 2>/dev/null || true
	fi
	[ -z "$postgres_folder" ] || rm -rf "$postgres_folder"
	postgres_folder='' postgres_process=''
}

# A cluster of its own below /tmp (a socket's path must be short), with the memory that suits a machine of this size.
start_postgres() {
	postgres_folder=$(mktemp -d /tmp/stele-pg.XXXXXX)
	[ "$(id -u)" -ne 0 ] || chown postgres "$postgres_folder"
	as_postgres "$postgres_bin/initdb" -D "$postgres_folder/data" -A trust -U postgres >"$work/postgres.log" 2>&1 ||
		return 1
	as_postgres "$postgres_bin/postgres" -D "$postgres_folder/data" -k "$postgres_folder" -c listen_addresses= \
		-c shared_buffers=1GB -c max_wal_size=4GB -c maintenance_work_mem=256MB -c work_mem=32MB \
		</dev/null >>"$work/postgres.log" 2>&1 &
	postgres_process=$!
	i=0
	while ! as_postgres "$postgres_bin/pg_isready" -q -h "$postgres_folder"; do
		i=$((i + 1))
		[ "$i" -lt 100 ] || return 1
		sleep 0.1
	done
}

peer_postgres() {
	postgres_bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
	if [ -z "$postgres_bin" ]; then
		say "$1: skipped, PostgreSQL is not installed"
		return 0
	fi
	say "$1 ($("$postgres_bin/postgres" --version))"
	if start_postgres; then
		peer "$1" --connection "host=$postgres_folder user=postgres dbname=postgres" \
			--pid "$(head -n 1 "$postgres_folder/data/postmaster.pid")"
	else
		say "$1: skipped, it does not start; see $work/postgres.log"
	fi
	stop_postgres
}

# peer STORE OPTION...: a store that cannot be measured is said, and the others go on.
peer() {
	store=$1
	shift
	folder=$(mktemp -d "$work/data.XXXXXX")
	"$build/bench/stele-peer" "$store" --events "$peer_events" --data "$folder" --seconds "$peer_seconds" \
		--json "$results" "$@" ||
		say "$store: failed, left out"
	rm -rf "$folder"
	folder=
}

# npm_library PACKAGE FILE: the path of a file of an npm package, which is fetched once; nothing when it is not to be had.
npm_library() {
	into=$work/npm/$1
	if [ ! -s "$into/package/$2" ]; then
		command -v npm >/dev/null 2>&1 || return 0
		mkdir -p "$into"
		(cd "$into" && npm pack --silent "$1" >/dev/null 2>&1 && tar xzf ./*.tgz && rm -f ./*.tgz) || return 0
	fi
	[ ! -s "$into/package/$2" ] || printf '%s\n' "$root/$into/package/$2" | sed "s|^$root//|/|"
}

# peer_of_npm STORE PACKAGE FILE
peer_of_npm() {
	library=$(npm_library "$2" "$3")
	if [ -z "$library" ]; then
		say "$1: skipped, npm does not bring $2"
		return 0
	fi
	version=$(sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' "$(dirname "$library")/package.json")
	say "$1 ($2 $version)"
	peer "$1" --library "$library"
}

# bench_own: what the other stores' appending is set against.
bench_own() {
	events=$(events_file "$n_usual")
	say "comparison over $n_usual events: stele"
	new_server
	load bulk --events "$events" --label stele
	load figures --seal --stored "$n_usual" --label stele-sealed
	drop_server
}

bench_peers() {
	peer_events=$(events_file "$n_usual")
	case $peer_events in /*) ;; *) peer_events=$root/$peer_events ;; esac
	peer_postgres postgres
	peer_postgres postgres-gin
	say 'sqlite'
	peer sqlite
	peer_of_npm clickhouse @chdb/lib-linux-x64-gnu libchdb.so
	peer_of_npm clickhouse-zstd @chdb/lib-linux-x64-gnu libchdb.so
	peer_of_npm duckdb @duckdb/node-bindings-linux-x64 libduckdb.so
}

# -------------------------------------------------------------------------------------------------------------- main

finish() {
	status=$?
	trap - EXIT
	stop_postgres
	drop_server
	exit "$status"
}

# wants CASE...: one of them was asked for.
wants() {
	for name in "$@"; do
		case " $wanted " in *" $name "* | *' all '*) return 0 ;; esac
	done
	return 1
}

wanted='' n_most=100000000 seconds='' allow_missing='' without_peers=
while [ $# -gt 0 ]; do
	case $1 in
	ingest | integrity | search | real | start | peers | all) wanted="$wanted $1" ;;
	--events | --seconds)
		case ${2:-} in '' | 0* | *[!0-9]*) usage >&2 && exit 2 ;; esac
		if [ "$1" = --events ]; then n_most=$2; else seconds=$2; fi
		shift
		;;
	--allow-missing) allow_missing=yes ;;
	--without-peers) without_peers=yes ;;
	-h | --help) usage && exit 0 ;;
	*) usage >&2 && exit 2 ;;
	esac
	shift
done
wanted=${wanted:-all}
n_single=$(least 400000 "$n_most")
n_usual=$(least 2000000 "$n_most")
n_large=$(least 10000000 "$n_most")
n_search=$(least 20000000 "$n_most")
if [ "$n_usual" -lt 1000000 ]; then quick=yes; else quick=; fi
seconds=${seconds:-${quick:+2}}
seconds=${seconds:-30}
peer_seconds=${quick:+0.1}
peer_seconds=${peer_seconds:-3}

for program in stele bench/stele-load; do
	[ -x "$build/$program" ] || die "$build/$program is not built: ./dev bench builds it"
done
mkdir -p "$work"
[ -n "$quick" ] || [ "$(df -Pk "$work" | awk 'NR == 2 { print $4 }')" -gt 20000000 ] ||
	die "$work needs 20 GB of free disk"
rm -rf "$work"/data.*
: >"$results"
: >"$work/server.log"
trap finish EXIT
trap 'exit 130' INT TERM HUP

python3 bench/machine.py "$work" "$results"
if wants ingest; then
	bench_bulk
	bench_single
fi
if wants real; then bench_real; fi
if wants start; then bench_large; fi
if wants integrity; then
	bench_integrity "$n_usual" ''
	if [ "$n_search" -gt "$n_usual" ]; then bench_integrity "$n_search" -large; fi
fi
if wants search; then
	bench_search "$n_usual" '' 100000
	if [ "$n_search" -gt "$n_usual" ]; then bench_search "$n_search" -large 100000; fi
elif wants peers; then
	bench_search "$n_usual" '' 0
fi
if wants peers; then bench_own; fi
if wants peers || { wants search && [ -z "$without_peers" ]; }; then bench_peers; fi
python3 bench/table.py "$results"
printf '\nInto the documentation: python3 bench/table.py --into docs/performance.md %s\n' "$results"
