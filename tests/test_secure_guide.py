"""The guide to a server that others reach: its commands, one after the other."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cutpoint.lab.server_process import ServerProcess

GUIDE = Path(__file__).parent.parent / "docs" / "guides" / "secure.md"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_guide_makes_a_pair_that_talks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, six_convs: Path
) -> None:
    """What its commands write is what its server and its session need."""
    monkeypatch.chdir(tmp_path)
    text = GUIDE.read_text()
    commands, serve = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    (python,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    subprocess.run(["bash", "-e", "-c", commands], check=True, capture_output=True, timeout=60)
    shutil.copy(six_convs, "model.onnx")
    options = serve.partition("--host 0.0.0.0")[2].partition("cutpoint run")[0]
    arguments = options.replace("\\", " ").split()
    with ServerProcess(["model.onnx"], arguments=arguments) as server:
        known: dict[str, object] = {}
        exec(compile(python.replace("edge:8001", server.address), "secure.md", "exec"), known)
        session = known["session"]
        try:
            session.wait_until_ready()
        finally:
            session.close()
