"""A virtual environment for each peer, made on first use from its locked requirements.

One for each, not one for all: a library that only another peer brings (pandas comes with Airbyte's) must not change
what a tool does or weighs. They lie in $XDG_CACHE_HOME/samklang-bench, under a name that changes with the requirements.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent

#: Where benchmarks keep what takes long to make.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "samklang-bench"


def python_of(peer: str) -> Path:
    """The interpreter of the peer's environment. CalledProcessError when it cannot be made."""
    requirements = _HERE / f"{peer}.txt"
    named = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = CACHE / f"{peer}-{named}"
    python = folder / "bin" / "python"
    whole = folder / "whole"  # written last: without it an installation was interrupted
    if not whole.exists():
        sys.stderr.write(f"Setting up {peer} in {folder} (only the first time) …\n")
        shutil.rmtree(folder, ignore_errors=True)
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
        install = [*uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes"]
        subprocess.run([*install, "--requirement", str(requirements)], check=True)
        whole.touch()
    return python
