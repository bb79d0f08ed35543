"""The verbs of ``provisiond``: parsed here, imported when they run.

Exit codes: 0 done; 1 what was looked at is not well; 2 wrong use or configuration; 3 the surroundings do not allow it;
4 the request cannot be carried out.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

from worker.cli.parser import build_parser

__all__ = ["run"]

WRONG_USE, SURROUNDINGS, REFUSED = 2, 3, 4


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code. Errors that have a name are one sentence on standard error."""
    options = build_parser().parse_args(arguments)
    module = importlib.import_module(f"worker.cli.{options.module}")
    try:
        code: int = getattr(module, options.verb)(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    except Exception as error:  # noqa: BLE001 - what has no name is raised again below
        return _explained(error, options)
    return code


def _explained(error: Exception, options: argparse.Namespace) -> int:
    """Say what went wrong in one sentence; what has no name shows its traceback only with --debug."""
    from worker.domain.errors import (  # noqa: PLC0415 - help and version need none of it
        ProvisioningError,
        RequestError,
        SettingsError,
    )

    if (
        isinstance(error, BaseExceptionGroup)
        and len(error.exceptions) == 1
        and isinstance(error.exceptions[0], Exception)
    ):
        return _explained(error.exceptions[0], options)
    if options.debug:
        raise error
    if isinstance(error, SettingsError):
        code = WRONG_USE
    elif isinstance(error, RequestError):
        code = REFUSED
    elif isinstance(error, ProvisioningError | OSError):
        code = SURROUNDINGS
    else:
        raise error
    print(f"provisiond: {error}", file=sys.stderr)  # noqa: T201 - this is where a person reads it
    return code
