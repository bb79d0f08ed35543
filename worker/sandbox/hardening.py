"""What a child gives up before it reads its first script: files, sockets, processes, privileges, and endless memory.

Order matters: everything that needs the kernel's help comes before the system call filter, which comes last.
"""

import ctypes
import errno
import os
import resource
import signal
import struct
from collections.abc import Callable
from typing import NamedTuple

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_TSYNC = 1

RET_ALLOW = 0x7FFF0000
RET_KILL_PROCESS = 0x80000000
RET_EPERM = 0x00050000 | errno.EPERM
LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
JUMP_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
JUMP_BITS = 0x45  # BPF_JMP | BPF_JSET | BPF_K
RETURN = 0x06  # BPF_RET | BPF_K
PROT_EXEC = 4
#: struct seccomp_data: int nr, u32 arch, u64 instruction pointer, u64 args[6]; both architectures are little endian.
OFFSET_NR, OFFSET_ARCH, OFFSET_ARGS = 0, 4, 16

#: In this order: read write futex setitimer clock_gettime munmap madvise mremap brk rt_sigreturn rt_sigprocmask
#: rt_sigaction sched_yield getrandom clock_getres clock_nanosleep nanosleep getitimer sigaltstack restart_syscall
#: gettid getpid set_robust_list rseq exit exit_group. ``mapping`` is mmap and mprotect.
_ALLOWED_X86_64 = (
    *(0, 1, 202, 38, 228, 11, 28, 25, 12, 15, 14),
    *(13, 24, 318, 229, 230, 35, 36, 131, 219),
    *(186, 39, 273, 334, 60, 231),
)
_ALLOWED_AARCH64 = (
    *(63, 64, 98, 103, 113, 215, 233, 216, 214, 139, 135),
    *(134, 124, 278, 114, 115, 101, 102, 132, 128),
    *(178, 172, 99, 293, 93, 94),
)

#: Address space granted beyond the budget when /proc cannot tell how much the start took.
_UNKNOWN_START = 1024 * 1024 * 1024


class Architecture(NamedTuple):
    """System call numbers. ``mapping`` calls may not ask for executable memory; ``tgkill`` may only reach ourselves."""

    audit: int
    seccomp: int
    tgkill: int
    mapping: tuple[int, ...]
    allowed: tuple[int, ...]


ARCHITECTURES = {
    "x86_64": Architecture(audit=0xC000003E, seccomp=317, tgkill=234, mapping=(9, 10), allowed=_ALLOWED_X86_64),
    "aarch64": Architecture(audit=0xC00000B7, seccomp=277, tgkill=131, mapping=(222, 226), allowed=_ALLOWED_AARCH64),
}


class ParentGone(Exception):
    """The daemon ended while this child was starting."""


def harden(*, parent_pid: int, memory_bytes: int) -> list[str]:
    """Apply every layer and return the names of those that this kernel refused (empty: full hardening).

    Runs in the thread that will run scripts, after everything was imported. Raises ParentGone.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    used = _address_space()  # while files can still be opened
    steps: dict[str, Callable[[], None]] = {
        "no_new_privs": lambda: _prctl(libc, PR_SET_NO_NEW_PRIVS, 1),
        "die_with_parent": lambda: _prctl(libc, PR_SET_PDEATHSIG, signal.SIGKILL),
        "limits": _limit_resources,
        "memory": lambda: _limit_memory((used or _UNKNOWN_START) + memory_bytes),
        "no_dump": lambda: _prctl(libc, PR_SET_DUMPABLE, 0),
        "seccomp": lambda: _filter_system_calls(libc),
    }
    missing = [] if used else ["exact_memory"]
    for name, step in steps.items():
        try:
            step()
        except (OSError, ValueError):
            missing.append(name)
        if name == "die_with_parent" and os.getppid() != parent_pid:
            raise ParentGone
    return missing


def filter_program(architecture: Architecture, *, pid: int) -> bytes:
    """The allow list as classic BPF: a foreign architecture is killed, anything not listed is EPERM."""
    code = [(LOAD, 0, 0, OFFSET_ARCH), (JUMP_EQUAL, 1, 0, architecture.audit), (RETURN, 0, 0, RET_KILL_PROCESS)]
    code.append((LOAD, 0, 0, OFFSET_NR))
    for number in architecture.allowed:
        code += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, RET_ALLOW)]
    for number in architecture.mapping:
        code += [(JUMP_EQUAL, 0, 4, number), (LOAD, 0, 0, OFFSET_ARGS + 2 * 8), (JUMP_BITS, 0, 1, PROT_EXEC)]
        code += [(RETURN, 0, 0, RET_EPERM), (RETURN, 0, 0, RET_ALLOW)]
    code += [(JUMP_EQUAL, 0, 4, architecture.tgkill), (LOAD, 0, 0, OFFSET_ARGS), (JUMP_EQUAL, 0, 1, pid)]
    code += [(RETURN, 0, 0, RET_ALLOW), (RETURN, 0, 0, RET_EPERM)]
    code.append((RETURN, 0, 0, RET_EPERM))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _prctl(libc: ctypes.CDLL, option: int, value: int) -> None:
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _limit_resources() -> None:
    # Root ignores NPROC, and open files stay usable at NOFILE 0: the system call filter closes both gaps.
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE):
        resource.setrlimit(limit, (0, 0))


def _address_space() -> int:
    """Bytes of address space in use, 0 where there is no /proc."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - pathlib costs a child 3 ms to import
            return int(file.read().split()[0]) * resource.getpagesize()
    except (OSError, ValueError):
        return 0


def _limit_memory(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _filter_system_calls(libc: ctypes.CDLL) -> None:
    """Install the filter on every thread. Raises OSError where the kernel or this architecture has none."""
    architecture = ARCHITECTURES.get(os.uname().machine)
    if architecture is None:
        raise OSError(errno.ENOSYS, "no list of system calls for this architecture")
    program = filter_program(architecture, pid=os.getpid())
    buffer = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog { unsigned short len; struct sock_filter *filter; } with the pointer's alignment.
    fprog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer)))
    done = libc.syscall(
        ctypes.c_long(architecture.seccomp),
        ctypes.c_ulong(SECCOMP_SET_MODE_FILTER),
        ctypes.c_ulong(SECCOMP_FILTER_FLAG_TSYNC),
        fprog,
    )
    if done != 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    _prove_filter()


def _prove_filter() -> None:
    """Believe the filter only when it refuses; at NOFILE 0 an unfiltered open would fail with EMFILE instead."""
    try:
        os.close(os.open("/", os.O_RDONLY))
    except PermissionError as error:
        if error.errno == errno.EPERM:
            return
    except OSError:
        pass
    raise OSError(errno.ENOSYS, "the system call filter does not filter")
