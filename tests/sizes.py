"""Tells the five largest modules and functions of cutpoint, so that growth is seen."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

_SOURCE = Path(__file__).resolve().parent.parent / "src" / "cutpoint"
_NUM_SHOWN = 5

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Give lines and name of every function; a method's name begins with its class."""
    for owner in ast.walk(tree):
        prefix = f"{owner.name}." if isinstance(owner, ast.ClassDef) else ""
        for node in ast.iter_child_nodes(owner):
            if isinstance(node, _Function):
                yield _lines(node), prefix + node.name


def _lines(function: _Function) -> int:
    """Count the lines of a function from ``def`` to its end, its docstring not among them."""
    last = function.end_lineno or function.lineno
    count = last - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        count -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return count


def _largest(title: str, sizes: list[tuple[int, str]]) -> str:
    shown = sorted(sizes, key=lambda each: (-each[0], each[1]))[:_NUM_SHOWN]
    return "\n".join([title, *(f"{lines:5d}  {name}" for lines, name in shown), ""])


def main() -> None:
    """Write both lists."""
    modules, functions = [], []
    for path in sorted(_SOURCE.rglob("*.py")):
        text, name = path.read_text(encoding="utf-8"), path.relative_to(_SOURCE).as_posix()
        modules.append((len(text.splitlines()), name))
        functions += [(lines, f"{name}: {each}") for lines, each in _functions(ast.parse(text))]
    sys.stdout.write(_largest("largest modules (lines)", modules))
    sys.stdout.write(_largest("largest functions (lines without docstring)", functions))


if __name__ == "__main__":
    main()
