"""Records how many bytes of a data folder's segments are there for proofs alone.

usage: integrity.py RESULTS LABEL STELE FOLDER

`stele inspect` says it of each segment of the first org's main ledger; the rest (a signed head in the journal, keys in
control.db) does not grow with the records.
"""

import json
import pathlib
import subprocess
import sys


def head_of(stele, segment):
    done = subprocess.run([stele, "inspect", "--json", str(segment)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[0])


def main(results, label, stele, folder):
    heads = [head_of(stele, path) for path in pathlib.Path(folder, "segments", "1").glob("*.seg")]
    records = sum(head["next"] - head["first"] for head in heads)
    size = sum(head["tree_bytes"] for head in heads)
    figures = {"segments": len(heads), "records": records, "tree_bytes": size, "bytes_per_record": size / records}
    with open(results, "a", encoding="utf-8") as file:
        file.write(json.dumps({"label": label, "figures": figures}) + "\n")
    print(f"\n{label}")
    for name, value in figures.items():
        print(f"  {name:38} {value:14,.3f}")


main(*sys.argv[1:])
