"""Files and functions stay readable: a file says why it is long, a function too, and neither grows without end."""

import re

from source import Problem

FILE_LINES_MARKED = 800  # past it, a head comment `/* size: why */`
FILE_LINES_MAX = 1500
FUNCTION_LINES_MAX = 110  # past it, `/* long: why */` just above or inside
HEAD_LINES = 40


def check_file(tree, path):
    text = tree.text(path)
    n = text.count("\n")
    if n > FILE_LINES_MAX:
        yield Problem(path, n, f"{n} lines; {FILE_LINES_MAX} is the most")
    elif n > FILE_LINES_MARKED:
        head = "\n".join(text.split("\n")[:HEAD_LINES])
        if not re.search(r"/\*.*?\bsize: \S", head, re.S):
            yield Problem(path, n, f"{n} lines; past {FILE_LINES_MARKED} the head says `/* size: why */`", True)


def is_marked(lines, function):
    return any("long: " in line for line in lines[max(0, function.first - 4):function.last])


def check(tree):
    for path in tree.c_paths:
        yield from check_file(tree, path)
    for function in tree.functions():
        n = function.last - function.first + 1
        if n > FUNCTION_LINES_MAX and not is_marked(tree.text(function.path).split("\n"), function):
            yield Problem(function.path, function.first,
                          f"{function.name} has {n} lines; past {FUNCTION_LINES_MAX} it says `/* long: why */`")
