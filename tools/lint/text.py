"""What the letters of a file must not hold: banned calls, line comments, stray bytes, wrong guards, homeless names."""

import os
import re

from source import Problem

# Unbounded, locale- or thread-dependent, or a shell: each has a safe counterpart in src/base.
BANNED = ("strcpy strcat sprintf vsprintf gets strtok atoi atol gmtime localtime asctime ctime rand srand "
          "system popen alloca").split()
BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
HOMELESS = re.compile(r"(^|_)(utils?|common|misc|helpers?)(_|$)")
TEXT_ENDINGS = (".c", ".h", ".tbl", ".build", ".py", ".sh", ".md", ".mjs", ".js", ".css", ".html", ".yml", ".json")


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def check_bytes(tree, path):
    raw = tree.raw(path)
    for byte, name in ((b"\0", "NUL"), (b"\r", "CR")):
        if byte in raw:
            yield Problem(path, raw.count(b"\n", 0, raw.index(byte)) + 1, f"holds a {name} byte")
    if raw and not raw.endswith(b"\n"):
        yield Problem(path, raw.count(b"\n") + 1, "does not end with a newline")
    match = re.search(rb"[ \t]+$", raw, re.M)
    if match:
        yield Problem(path, raw.count(b"\n", 0, match.start()) + 1, "trailing blanks")


def check_c(tree, path):
    code = tree.code(path)
    for match in BANNED_CALL.finditer(code):
        yield Problem(path, line_of(code, match.start()), f"{match.group(1)} is banned")
    for line, comment in tree.comments(path):
        if comment.startswith("//"):
            yield Problem(path, line, "comments are written /* so */")
        elif re.search(r"\b(TODO|FIXME|HACK)\b", comment):
            yield Problem(path, line, "a mark of unfinished work")


def check_guard(tree, path):
    want = "STELE_" + re.sub(r"[/.]", "_", path[len("src/"):]).upper()
    match = re.search(r"^#ifndef (\w+)\n#define (\w+)$", tree.text(path), re.M)
    if not match or match.group(1) != want or match.group(2) != want:
        yield Problem(path, line_of(tree.text(path), match.start()) if match else 1, f"the include guard is {want}")


def check_name(path):
    for part in path.split("/"):
        if HOMELESS.search(os.path.splitext(part)[0].lower()):
            yield Problem(path, 1, f"'{part}' says nothing of what it holds")


def check(tree):
    for path in tree.paths:
        yield from check_name(path)
        if path.endswith(TEXT_ENDINGS) or path in ("dev", ".ci/run"):
            yield from check_bytes(tree, path)
    for path in tree.c_paths:
        yield from check_c(tree, path)
        if path.startswith("src/") and path.endswith(".h"):
            yield from check_guard(tree, path)
