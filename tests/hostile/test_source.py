"""What the source never holds, and what the server never offers."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import cutpoint
from cutpoint.server.methods import STREAM, UNARY
from cutpoint.wire.protocol import messages

SOURCE = Path(cutpoint.__file__).parent
_BANNED_CALLS = frozenset({"eval", "exec", "compile", "__import__", "yaml.load", "os.system"})
_BANNED_MODULES = frozenset(
    {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "yaml"}
)
_SERVED = frozenset(
    {
        "ServerLive", "ServerReady", "ServerMetadata", "ModelReady", "ModelMetadata", "ModelConfig",
        "ModelStatistics", "ModelInfer", "RepositoryIndex", "RepositoryModelLoad",
        "ModelStreamInfer",
    }
)  # fmt: skip
"""Every method of the inference service; a new one is to be thought about here."""


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def dangers(text: str) -> Iterator[str]:
    """Give what may run code that came from elsewhere."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            names = []
        yield from (name for name in names if name.split(".")[0] in _BANNED_MODULES)
        if isinstance(node, ast.Call):
            called = _dotted(node.func)
            if called in _BANNED_CALLS:
                yield called
            for keyword in node.keywords:
                is_off = isinstance(keyword.value, ast.Constant) and not keyword.value.value
                if (keyword.arg == "shell" or keyword.arg == "allow_pickle") and not is_off:
                    yield f"{called}({keyword.arg}=...)"


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.stem)
def test_no_source_runs_what_it_reads(path: Path) -> None:
    """No pickle, eval, exec, yaml or shell, in any module."""
    assert list(dangers(path.read_text())) == []


@pytest.mark.parametrize(
    "text",
    [
        "import pickle", "from pickle import loads", "eval(x)", "exec(x)", "import yaml",
        "subprocess.run(x, shell=True)", "subprocess.run(x, shell=wanted)", "os.system(x)",
        "np.load(x, allow_pickle=True)", "import shelve as s",
    ],
)  # fmt: skip
def test_what_would_run_it_is_seen(text: str) -> None:
    """The test before can fail."""
    assert list(dangers(text))


def test_the_server_offers_what_it_always_did() -> None:
    """No method is added unseen; none takes a model, and none gives one back."""
    assert {*UNARY, STREAM} == _SERVED
    for name in _SERVED:
        for kind in (f"{name}Request", f"{name}Response"):
            message = getattr(messages, kind, None)
            if message is None or name in ("ModelInfer", "ModelStreamInfer"):
                continue
            raw = [
                field.name for field in message.DESCRIPTOR.fields if field.type == field.TYPE_BYTES
            ]
            assert raw == [], f"{kind} could carry a file"
