"""The verbs of ``provisiond``: parsed here, imported when they run.

Exit codes: 0 done; 1 what was looked at is not well; 2 wrong use or configuration; 3 the surroundings do not allow it;
4 the request cannot be carried out.
"""

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence

from worker.cli.parser import build_parser

__all__ = ["run"]

WRONG_USE, SURROUNDINGS, REFUSED = 2, 3, 4


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code. Errors that have a name are one sentence on standard error."""
    options = build_parser().parse_args(arguments)
    try:
        module = importlib.import_module(f"worker.cli.{options.module}")
        code: int = getattr(module, options.verb)(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _unread()
    except Exception as error:  # noqa: BLE001 - what has no name is raised again below
        return _explained(error, options)
    return code


def _unread() -> int:
    """Whoever read us has gone, as ``head`` does; nothing more is written, at the end of Python neither."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _explained(error: BaseException, options: argparse.Namespace) -> int:
    """Say what went wrong in one sentence; what has no name shows its traceback, the rest only with --debug."""
    from worker.domain.errors import (  # noqa: PLC0415 - help and version need none of it
        ProvisioningError,
        RequestError,
        SettingsError,
    )

    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return _explained(error.exceptions[0], options)
    if options.debug or not isinstance(error, ProvisioningError | OSError):
        raise error
    if isinstance(error, SettingsError):
        code = WRONG_USE
    elif isinstance(error, RequestError):
        code = REFUSED
    else:
        code = SURROUNDINGS
    for sentence in _words(error).splitlines():
        print(f"provisiond: {sentence}", file=sys.stderr)  # noqa: T201 - this is where a person reads it
    return code


def _words(error: Exception) -> str:
    if not isinstance(error, OSError):
        return str(error)
    where = f": {error.filename}" if error.filename else ""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"The disk is full{where}."
    if isinstance(error, PermissionError):
        return f"There is no permission{where}."
    return f"{error.strerror or error}{where}."
