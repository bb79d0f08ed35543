"""The child: import, warm up, give up every privilege, then answer frames on descriptors 0 and 1 until end of file.

Scripts run in a thread of their own because its stack can be chosen: Starlark's parser and printer recurse natively,
and 256 MiB of (virtual) stack is more than the largest accepted source can use.
"""

import gc
import os
import signal
import sys
import threading
from typing import Final

from worker.sandbox.frames import HEADER, PROTOCOL, pack

STACK_BYTES: Final = 256 * 1024 * 1024


def main() -> None:
    """Run the child. Arguments: two import paths (used by the bootstrap), the parent's pid, bytes, descriptor."""
    parent_pid, memory_bytes, supplies = map(int, sys.argv[3:6])
    _settle_signals()
    threading.stack_size(STACK_BYTES)
    thread = threading.Thread(target=_live, args=(parent_pid, memory_bytes, supplies))
    thread.start()
    thread.join()
    os._exit(0)


def _settle_signals() -> None:
    # The parent may have blocked or ignored signals; the timers must end this process, the terminal's Ctrl-C must not.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _live(parent_pid: int, memory_bytes: int, supplies: int) -> None:
    try:
        from worker.sandbox import answering, engine, hardening  # noqa: PLC0415 - a failed import becomes the first frame
        from worker.sandbox.library import kept  # noqa: PLC0415 - the same

        made = engine.Engine()
        kept.receive(supplies)
        answering.warm_up(made)
        gc.freeze()
        gc.enable()  # off since the first import
        missing = hardening.harden(parent_pid=parent_pid, memory_bytes=memory_bytes)
        answerer = answering.Answerer(made)
    except BaseException as error:  # noqa: BLE001 - the parent can only learn from a frame why this child cannot serve
        _write(pack({"protocol": PROTOCOL, "failed": f"{type(error).__name__}: {error}"[:1000]}))
        os._exit(1)
    _write(pack({"protocol": PROTOCOL, "level": "partial" if missing else "full", "missing": missing}))
    goes_on = True
    while goes_on and (payload := _read()) is not None:
        reply, goes_on = answerer.answer(payload)
        _write(reply)


def _read() -> bytes | None:
    """The next payload, or None when the parent hung up."""
    head = _exactly(HEADER.size)
    return None if head is None else _exactly(HEADER.unpack(head)[0])


def _exactly(size: int) -> bytes | None:
    parts = []
    while size:
        part = os.read(0, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]
