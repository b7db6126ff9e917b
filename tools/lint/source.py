"""The source tree as the lint rules see it: its files, their text with comments and strings blanked out, functions."""

import json
import os
import re
import subprocess

TOP_FOLDERS = ("src", "tests", "bench", "tools", "docs", ".ci")
SKIPPED_FOLDERS = {"node_modules", "corpus", "golden", "vectors", "vendor", "__pycache__"}

# A comment, a string or a character, in this order of appearance; strings keep their quotes when blanked.
TOKENS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.M)


class Problem:
    def __init__(self, path, line, text, is_warning=False):
        self.path, self.line, self.text, self.is_warning = path, line, text, is_warning

    def __str__(self):
        return f"{self.path}:{self.line}: {'warning: ' if self.is_warning else ''}{self.text}"


def blank(match):
    """The same number of characters and lines, without what they say."""
    text = match.group(0)
    inner = re.sub(r"[^\n]", " ", text)
    return text[0] + inner[1:-1] + text[0] if text[0] in "\"'" else inner


class Function:
    def __init__(self, path, name, first, last, is_static):
        self.path, self.name, self.first, self.last, self.is_static = path, name, first, last, is_static


class Tree:
    """Paths are relative to the project's root, which is the working folder."""

    def __init__(self):
        self.paths = sorted(self._walk())
        self.c_paths = [p for p in self.paths if p.endswith((".c", ".h"))]
        self._texts, self._codes = {}, {}

    def _walk(self):
        yield from (name for name in os.listdir(".") if os.path.isfile(name) and not name.startswith(".git/"))
        for top in TOP_FOLDERS:
            for folder, folders, names in os.walk(top):
                folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS]
                yield from (os.path.join(folder, name) for name in names)

    def raw(self, path):
        with open(path, "rb") as file:
            return file.read()

    def text(self, path):
        if path not in self._texts:
            self._texts[path] = self.raw(path).decode("utf-8", "replace")
        return self._texts[path]

    def code(self, path):
        """The text with comments and what is inside strings turned to blanks; lines and columns stay."""
        if path not in self._codes:
            self._codes[path] = TOKENS.sub(blank, self.text(path))
        return self._codes[path]

    def comments(self, path):
        """(line, text) of each comment."""
        text = self.text(path)
        for match in TOKENS.finditer(text):
            if match.group(0).startswith("/"):
                yield text.count("\n", 0, match.start()) + 1, match.group(0)

    def includes(self, path):
        """(line, name) of each #include "name"."""
        text = self.text(path)
        for match in INCLUDE.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, match.group(1)

    def resolve(self, path, name):
        """The project's file an include names, or None."""
        for base in ("src", "tests", os.path.dirname(path), "."):
            candidate = os.path.normpath(os.path.join(base, name))
            if os.path.isfile(candidate):
                return candidate
        return None

    def closure(self, path, seen=None):
        """The file and all project files it includes, directly or not."""
        seen = seen if seen is not None else set()
        if path not in seen:
            seen.add(path)
            for _, name in self.includes(path):
                target = self.resolve(path, name)
                if target:
                    self.closure(target, seen)
        return seen

    def functions(self):
        """Function definitions in C files, with their first and last line."""
        return [Function(t["path"], t["name"], t["line"], t.get("end", t["line"]), t.get("file", False))
                for t in self._tags("f", [p for p in self.c_paths])]

    def prototypes(self, paths):
        """Function declarations in the given headers."""
        return [Function(t["path"], t["name"], t["line"], t.get("end", t["line"]), t.get("file", False))
                for t in self._tags("p", paths)]

    @staticmethod
    def _tags(kinds, paths):
        if not paths:
            return []
        command = ["ctags", "--languages=C", "--langmap=C:.c.h", f"--kinds-C={kinds}", "--fields=+nef",
                   "-I", "__attribute__+,MUST_CHECK,PRINTF_LIKE+,static_assert+,_Static_assert+",
                   "--output-format=json", "-f", "-", "-L", "-"]
        lines = subprocess.run(command, input="\n".join(paths), capture_output=True, text=True, check=True).stdout
        return [json.loads(line) for line in lines.splitlines()]
