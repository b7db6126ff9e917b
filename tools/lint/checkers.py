"""The tools that judge a file by itself, each answer kept until the file, what it includes, or the rules change."""

import concurrent.futures
import hashlib
import json
import os
import re
import subprocess

FORMAT_MAJOR = "14"  # another clang-format breaks lines elsewhere; its opinion is not asked


def run(command):
    """None when the tool is content, else what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return None if done.returncode == 0 else (done.stdout + done.stderr).strip()


def version(tool):
    text = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout
    return re.search(r"\d+(\.\d+)*", text).group(0)


class Checker:
    """name: of the cache; rules: what its verdict depends on besides the files; command(path): what to run;
    flags: path -> what else the verdict on that file depends on."""

    def __init__(self, name, paths, rules, command, flags=None):
        self.name, self.paths, self.rules, self.command, self.flags = name, paths, rules, command, flags or {}


def format_checker(tree):
    found = version("clang-format")
    if found.split(".")[0] != FORMAT_MAJOR:
        print(f"lint: clang-format is {found}, the project's layout is that of {FORMAT_MAJOR}: not asked")
        return None
    return Checker("format", tree.c_paths, found + tree.text(".clang-format"),
                   lambda path: ["clang-format", "--dry-run", "-Werror", path])


def compiled_paths(build):
    """C files of the compile commands, relative to the root, with their flags."""
    with open(os.path.join(build, "compile_commands.json")) as file:
        return {os.path.relpath(os.path.join(e["directory"], e["file"])): e["command"] for e in json.load(file)}


def tidy_checker(tree, build):
    commands = compiled_paths(build)
    rules = version("clang-tidy") + tree.text(".clang-tidy")
    paths = [p for p in tree.c_paths if p in commands]
    return Checker("tidy", paths, rules, lambda path: tidy_command(build, path), commands)


def tidy_command(build, path):
    """The analyzer does not know that a failed cmocka assertion ends the test, so it is asked about src/ alone."""
    if path.startswith("src/"):
        scope = []
    else:
        scope = ["--checks=-clang-analyzer-*"]
    return ["clang-tidy", "--quiet", "-p", build] + scope + [path]


def cppcheck_checker(tree):
    options = ["--quiet", "--enable=warning,performance,portability", "--std=c11", "--inline-suppr", "-Isrc", "-Itests",
               "-D_GNU_SOURCE", "-D__x86_64__=1", "-D__linux__=1", "--error-exitcode=1", "--max-configs=4",
               "--suppressions-list=tools/lint/cppcheck.txt"]
    paths = [p for p in tree.c_paths if p.endswith(".c") and p.startswith("src/")]
    rules = version("cppcheck") + " ".join(options) + tree.text("tools/lint/cppcheck.txt")
    return Checker("cppcheck", paths, rules, lambda path: ["cppcheck"] + options + [path])


def shell_checker(tree):
    paths = [p for p in tree.paths if p in ("dev", ".ci/run") or p.endswith(".sh")]
    return Checker("shellcheck", paths, version("shellcheck"), lambda path: ["shellcheck", path])


def digest(tree, checker, path):
    hashed = hashlib.sha256((checker.rules + checker.flags.get(path, "")).encode())
    for part in sorted(tree.closure(path)) if path.endswith((".c", ".h")) else [path]:
        hashed.update(part.encode() + b"\0" + tree.raw(part))
    return hashed.hexdigest()


def judge(checkers, tree, cache_folder):
    """Runs what is not known to be good; yields the complaint of each file that is not."""
    waiting = []
    for checker in checkers:
        folder = os.path.join(cache_folder, checker.name)
        os.makedirs(folder, exist_ok=True)
        for path in checker.paths:
            stamp = os.path.join(folder, digest(tree, checker, path))
            if not os.path.exists(stamp):
                waiting.append((checker, path, stamp))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = pool.map(lambda item: run(item[0].command(item[1])), waiting)
        for (checker, path, stamp), complaint in zip(waiting, answers):
            if complaint is None:
                open(stamp, "w").close()
            else:
                yield f"{checker.name} on {path}:\n{complaint}"


def check(tree, build, cache_folder):
    checkers = [format_checker(tree), tidy_checker(tree, build), cppcheck_checker(tree), shell_checker(tree)]
    return judge([c for c in checkers if c], tree, cache_folder)
