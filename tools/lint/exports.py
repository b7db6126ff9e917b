"""Nothing is exported in vain: what a header of src/ declares is used outside the file that defines it.

A function only its own .c file uses is to be static (an error); one that only tests use is told as a warning. What a
macro or an inline function of the header calls is used by whoever includes the header.
"""

import collections
import re

from source import Problem

WORD = re.compile(r"\b[A-Za-z_]\w*\b")


def users_by_word(tree):
    """word -> the C files that mention it outside comments and strings; .tbl files count, they expand into code."""
    users = collections.defaultdict(set)
    for path in tree.paths:
        if path.endswith((".c", ".h", ".tbl")):
            for word in WORD.findall(tree.code(path)):
                users[word].add(path)
    return users


def check(tree):
    headers = [p for p in tree.c_paths if p.startswith("src/") and p.endswith(".h")]
    users = users_by_word(tree)
    definers = collections.defaultdict(set)
    for function in tree.functions():
        if not function.is_static:
            definers[function.name].add(function.path)
    seen = set()
    for prototype in tree.prototypes(headers):
        name = prototype.name
        if name in seen:
            continue
        seen.add(name)
        others = {p for p in users[name] - definers[name] if p != prototype.path}
        if len(re.findall(rf"\b{name}\b", tree.code(prototype.path))) > 1:
            continue
        if not definers[name]:
            yield Problem(prototype.path, prototype.first, f"{name} is declared and nowhere defined")
        elif not others:
            yield Problem(prototype.path, prototype.first, f"{name} is exported and used nowhere else")
        elif all(p.startswith(("tests/", "bench/")) for p in others):
            yield Problem(prototype.path, prototype.first, f"{name} is used by tests only", True)
