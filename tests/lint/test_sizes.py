# SPDX-License-Identifier: Apache-2.0
"""Code that fits a screen: functions, files, lines, nesting, parameters. The limits are STYLE's; where a longer function
is the clearer one it stands in LONGER with the reason."""
import statistics

from sources import c_files, functions, name

FUNCTION_LINES = 70
FILE_LINES = 600
LINE_LENGTH = 120
NESTING = 4  # braces within a function's body, switch included
PARAMETERS = 6
LONGER = {}  # "path:function": "why it is clearer whole"
IMPOSED = {"lib/run/health.c:on_request"}  # signatures that a library asks for


def each_function():
    for path in c_files(".c"):
        for found in functions(path):
            yield (path, *found)


def test_functions_fit_a_screen():
    long = [f"{name(path)}:{first}: {function} has {lines} lines"
            for path, function, first, lines, _, _ in each_function()
            if lines > FUNCTION_LINES and f"{name(path)}:{function}" not in LONGER]
    assert not long, "\n".join(long)


def test_most_functions_are_short():
    lengths = [lines for path, _, _, lines, _, _ in each_function() if not name(path).startswith("tests/")]
    assert statistics.median(lengths) <= 20


def test_files_are_read_in_one_sitting():
    long = [f"{name(p)}: {n} lines" for p in c_files() if (n := len(p.read_text().splitlines())) > FILE_LINES]
    assert not long, "\n".join(long)


def test_lines_fit():
    long = [f"{name(p)}:{i}: {len(line)} characters" for p in c_files()
            for i, line in enumerate(p.read_text().splitlines(), 1) if len(line) > LINE_LENGTH]
    assert not long, "\n".join(long)


def test_nesting_is_shallow():
    deep = [f"{name(path)}:{first}: {function} nests {depth} deep"
            for path, function, first, _, _, depth in each_function() if depth > NESTING]
    assert not deep, "\n".join(deep)


def test_parameters_are_few():
    many = [f"{name(path)}:{first}: {function} takes {parameters} parameters: use an options struct"
            for path, function, first, _, parameters, _ in each_function()
            if parameters > PARAMETERS and f"{name(path)}:{function}" not in IMPOSED]
    assert not many, "\n".join(many)
