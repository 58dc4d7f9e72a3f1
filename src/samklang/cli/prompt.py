"""Commands of another program, each in a process of its own that need not load the program first (demo/prompt.py).

Jobs come as one JSON line each; the exit code of each is written to the file descriptor that is given.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

import msgspec

from samklang.demo.prompt import Job

_DEFECT = 70  # exit code of a command that ended in an error of the program


def serve(codes: int) -> None:
    """Fork for each job until there are no more."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "samklang.settings")
    django.setup()
    from samklang.cli.app import execute  # the commands import the hub's tables, which need Django to be set up

    for line in sys.stdin.buffer:
        job = msgspec.json.decode(line, type=Job)
        child = os.fork()
        if child == 0:
            _work(execute, job)
        _, status = os.waitpid(child, 0)
        os.write(codes, f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _work(execute: Callable[[Sequence[str]], int], job: Job) -> NoReturn:
    """In the child: the command, as if it had been started for itself. Whatever happens, the child ends here."""
    code = _DEFECT
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        if job.output:
            os.dup2(os.open(job.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
        os.environ.update(job.env)
        code = execute(job.argv)
    finally:
        if code == _DEFECT:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
