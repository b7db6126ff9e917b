"""lint.py BUILD: every rule over the whole tree; BUILD is a configured Meson tree with compile_commands.json."""

import json
import subprocess
import sys
import time

import checkers
import exports
import floors
import sizes
import source
import text

RULES = (floors, sizes, text, exports)
CACHE = "build/lint"


def refresh(build):
    """The compile commands follow the meson.build files; headers the build writes are there before they are included."""
    subprocess.run(["ninja", "-C", build, "--quiet", "build.ninja"], check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(["meson", "introspect", "--targets", build], capture_output=True, text=True, check=True)
    names = [output for target in json.loads(done.stdout) if target["type"] == "custom"
             for output in target["filename"]]
    if names:
        subprocess.run(["ninja", "-C", build, "--quiet"] + [n.split(f"/{build}/", 1)[1] for n in names], check=True)


def main(build):
    started = time.monotonic()
    refresh(build)
    tree = source.Tree()
    n_errors = n_warnings = 0
    for rule in RULES:
        for problem in rule.check(tree):
            print(problem)
            n_warnings += problem.is_warning
            n_errors += not problem.is_warning
    for complaint in checkers.check(tree, build, CACHE):
        print(complaint)
        n_errors += 1
    print(f"lint: {len(tree.c_paths)} C files, {n_errors} errors, {n_warnings} warnings, "
          f"{time.monotonic() - started:.1f} s")
    return 1 if n_errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
