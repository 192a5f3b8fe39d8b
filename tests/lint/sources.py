# SPDX-License-Identifier: Apache-2.0
"""The C sources as the lint tests see them: files, their includes and their functions."""
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
C_FOLDERS = ("lib", "services", "tools", "tests/unit", "tests/bench", "tests/fuzz", "tests/fault")


def tracked(*patterns):
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--", *patterns],
                            capture_output=True, text=True, check=False)
    names = [name for name in listed.stdout.split("\0") if name]
    if listed.returncode != 0:  # a source tree without its repository
        names = [str(p.relative_to(ROOT)) for pattern in patterns for p in ROOT.glob(f"**/{pattern.lstrip('*')}")]
    return sorted(ROOT / name for name in names if (ROOT / name).exists())


def c_files(*suffixes):
    return [p for p in tracked(*(f"*{s}" for s in suffixes or (".c", ".h")))
            if str(p.relative_to(ROOT)).startswith(C_FOLDERS)]


def name(path):
    return str(path.relative_to(ROOT))


def includes(path):
    """[(line number, text between the quotes)] of its quoted includes."""
    found = re.finditer(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), re.M)
    text = path.read_text()
    return [(text.count("\n", 0, m.start()) + 1, m.group(1)) for m in found]


def without_text(source):
    """The source with comments and literals blanked out, line for line."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, source, flags=re.S)


HEAD = re.compile(r"^(?![ \t#}])[A-Za-z_][^;={}]*?\b([a-z_][A-Za-z0-9_]*)\s*\(([^;{}]*)\)[^;{}()=]*\{", re.M | re.S)


def functions(path):
    """[(name, first line, lines, parameters, deepest nesting)] of the functions defined in a file."""
    source = without_text(path.read_text())
    found = []
    for head in HEAD.finditer(source):
        depth, deepest, at = 1, 1, head.end()
        while depth and at < len(source):
            depth += {"{": 1, "}": -1}.get(source[at], 0)
            deepest = max(deepest, depth)
            at += 1
        first = source.count("\n", 0, head.end())
        lines = source.count("\n", head.end(), at) + 1
        parameters = 0 if head.group(2).strip() in ("", "void") else commas(head.group(2)) + 1
        found.append((head.group(1), first + 1, lines, parameters, deepest - 1))
    return found


def commas(parameters):
    depth = count = 0
    for letter in parameters:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        count += letter == "," and depth == 0
    return count
