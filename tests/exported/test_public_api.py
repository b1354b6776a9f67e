"""What is public is there and explained, and what runs code from data is nowhere."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path

import pytest

import cutpoint

SOURCE = Path(cutpoint.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
MODULES = ["cutpoint", *(m.name for m in pkgutil.walk_packages([str(SOURCE)], "cutpoint."))]
ROOMS = [name for name in MODULES if (SOURCE.parent / name.replace(".", "/")).is_dir()]
EXPORTS = [
    (room, name) for room in ROOMS for name in getattr(importlib.import_module(room), "__all__", ())
]

THINKING_ROOMS = (
    "records",
    "graph",
    "cost",
    "planning",
    "estimation",
    "policies",
    "inference",
)

_MODULES_THAT_RUN_DATA = {"pickle", "cPickle", "dill", "marshal", "shelve", "jsonpickle", "joblib"}
_CALLS_THAT_RUN_DATA = {"eval", "exec", "compile", "__import__"}
_METHODS_THAT_RUN_DATA = {
    ("yaml", "load"),
    ("yaml", "unsafe_load"),
    ("yaml", "full_load"),
    ("torch", "load"),
    ("os", "system"),
    ("os", "popen"),
}
_SWITCHES_THAT_RUN_DATA = {"shell", "allow_pickle"}


def running_data(source: str) -> Iterator[str]:
    """Find what would run code that came as data."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                imported = {alias.name.split(".")[0] for alias in names}
                yield from imported & _MODULES_THAT_RUN_DATA
            case ast.ImportFrom(module=str(module)):
                yield from {module.split(".")[0]} & _MODULES_THAT_RUN_DATA
            case ast.Call(func=ast.Name(id=name)) if name in _CALLS_THAT_RUN_DATA:
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)) if (
                owner,
                name,
            ) in _METHODS_THAT_RUN_DATA:
                yield f"{owner}.{name}"
            case ast.keyword(value=ast.Constant(value=False)):
                pass
            case ast.keyword(arg=name) if name in _SWITCHES_THAT_RUN_DATA:
                yield f"{name}="


@pytest.mark.parametrize(("room", "name"), EXPORTS)
def test_every_exported_name_is_there_and_explained(room: str, name: str) -> None:
    """What a room exports exists, and its classes and functions have a docstring written by us."""
    exported = getattr(importlib.import_module(room), name)
    if inspect.isclass(exported) or inspect.isroutine(exported):
        text = exported.__doc__ or ""
        assert len(text.strip()) > 10
        assert not text.startswith(f"{name}(")  # what a dataclass writes about itself


@pytest.mark.parametrize("room", ROOMS)
def test_no_name_is_exported_twice(room: str) -> None:
    """A room's list of exports has each name once."""
    exported = list(getattr(importlib.import_module(room), "__all__", ()))
    assert len(exported) == len(set(exported))


@pytest.mark.parametrize("room", THINKING_ROOMS)
def test_what_travels_cannot_be_changed(room: str) -> None:
    """Every record of the thinking rooms is frozen: rooms and threads share them."""
    found = [
        each
        for name in MODULES
        if name.startswith(f"cutpoint.{room}")
        for each in vars(importlib.import_module(name)).values()
        if is_dataclass(each) and each.__module__ == name
    ]
    assert found or room in ("planning", "estimation")
    assert [each.__name__ for each in found if not each.__dataclass_params__.frozen] == []


def test_the_door_of_the_package() -> None:
    """What a user gets from the package itself, no more and no less."""
    exported = {"EncodedImage", "InferenceRecord", "InferenceSession", "Parts", "Profile"}
    assert exported == set(cutpoint.__all__)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_module_says_what_it_is(path: Path) -> None:
    """Every module begins with a docstring."""
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_the_files_are_found() -> None:
    """The source is where it is looked for."""
    assert len(FILES) > 80
    assert len(EXPORTS) > 60


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_runs_data(path: Path) -> None:
    """No module unpickles, evaluates, or hands text to a shell."""
    assert list(running_data(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import os, pickle as p",
        "from pickle import loads",
        "def f():\n    from marshal import loads",
        "x = eval('1')",
        "exec(text)",
        "yaml.load(text)",
        "subprocess.run(text, shell=True)",
        "subprocess.run(text, shell=wanted)",
        "numpy.load(path, allow_pickle=True)",
        "os.system('ls')",
    ],
)
def test_what_runs_data_would_be_found(source: str) -> None:
    """The search above finds each of the things it is for."""
    assert len(list(running_data(source))) == 1


@pytest.mark.parametrize(
    "source", ["session.eval()", "yaml.safe_load(text)", "run(text, shell=False)", "'eval(x)'"]
)
def test_what_is_harmless_is_not_found(source: str) -> None:
    """Names that only look alike, and text about them, are left alone."""
    assert list(running_data(source)) == []
