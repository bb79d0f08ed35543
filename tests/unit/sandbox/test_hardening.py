import struct

import pytest

from worker.sandbox import hardening
from worker.sandbox.hardening import ARCHITECTURES, PROT_EXEC, RET_ALLOW, RET_EPERM, RET_KILL_PROCESS, filter_program

PID = 4711


def run(program: bytes, *, audit: int, number: int, arguments: tuple[int, ...] = ()) -> int:
    """What the kernel would answer: a small interpreter of the four instructions the filter uses."""
    data = struct.pack("<iIQ6Q", number, audit, 0, *(arguments + (0,) * (6 - len(arguments))))
    code = list(struct.iter_unpack("=HBBI", program))
    accumulator = place = 0
    while True:
        operation, if_true, if_false, value = code[place]
        place += 1
        if operation == hardening.LOAD:
            accumulator = struct.unpack_from("<I", data, value)[0]
        elif operation == hardening.JUMP_EQUAL:
            place += if_true if accumulator == value else if_false
        elif operation == hardening.JUMP_BITS:
            place += if_true if accumulator & value else if_false
        else:
            assert operation == hardening.RETURN
            return int(value)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_allows_what_is_listed_and_nothing_else(machine: str) -> None:
    architecture = ARCHITECTURES[machine]
    program = filter_program(architecture, pid=PID)
    answers = {number: run(program, audit=architecture.audit, number=number) for number in range(500)}

    allowed = {number for number, answer in answers.items() if answer == RET_ALLOW}
    assert allowed == {*architecture.allowed, *architecture.mapping}
    assert set(answers.values()) == {RET_ALLOW, RET_EPERM}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_looks_at_arguments_where_they_matter(machine: str) -> None:
    architecture = ARCHITECTURES[machine]
    program = filter_program(architecture, pid=PID)

    def answer(number: int, *arguments: int) -> int:
        return run(program, audit=architecture.audit, number=number, arguments=arguments)

    for number in architecture.mapping:
        assert answer(number, 0, 4096, 3) == RET_ALLOW
        assert answer(number, 0, 4096, 3 | PROT_EXEC) == RET_EPERM
    assert answer(architecture.tgkill, PID, PID, 6) == RET_ALLOW
    assert answer(architecture.tgkill, 1, 1, 9) == RET_EPERM


@pytest.mark.parametrize(("machine", "foreign"), [("x86_64", 0x40000003), ("aarch64", 0x40000028)], ids=["i386", "arm"])
def test_a_call_of_another_architecture_is_the_end(machine: str, foreign: int) -> None:
    program = filter_program(ARCHITECTURES[machine], pid=PID)

    assert run(program, audit=foreign, number=ARCHITECTURES[machine].allowed[0]) == RET_KILL_PROCESS


@pytest.mark.parametrize(
    ("name", "x86_64", "aarch64"),
    [
        ("open / openat", (2, 257, 437), (56, 437)),
        ("sockets", (41, 42, 49, 53), (198, 203, 200, 199)),
        ("fork, clone, exec", (56, 57, 58, 59, 322, 435), (220, 221, 281, 435)),
        ("signals to others, tracing", (62, 200, 101, 310, 311), (129, 130, 117, 270, 271)),
        ("memory from files, bpf, io_uring", (319, 321, 425), (279, 280, 425)),
        ("own limits and privileges", (157, 160, 302, 317), (167, 164, 261, 277)),
    ],
)
def test_dangerous_calls_are_not_on_the_list(name: str, x86_64: tuple[int, ...], aarch64: tuple[int, ...]) -> None:
    assert not set(x86_64) & set(ARCHITECTURES["x86_64"].allowed), name
    assert not set(aarch64) & set(ARCHITECTURES["aarch64"].allowed), name


@pytest.mark.parametrize("number", [0, 1, 9, 59, 257, 512, 520, 545])
def test_a_call_by_the_other_table_of_x86_64_is_refused(number: int) -> None:
    """x32 shares the architecture's name and marks its numbers with a bit: 520 there is execve."""
    program = filter_program(ARCHITECTURES["x86_64"], pid=PID)

    assert run(program, audit=ARCHITECTURES["x86_64"].audit, number=number | 0x40000000) == RET_EPERM


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("number", [-1, -(2**31), 2**31 - 1], ids=["minus one", "least", "most"])
def test_numbers_that_are_no_call_are_refused(machine: str, number: int) -> None:
    architecture = ARCHITECTURES[machine]

    assert run(filter_program(architecture, pid=PID), audit=architecture.audit, number=number) == RET_EPERM


#: As the kernel's tables have them (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h).
NUMBERS = {
    "read": (0, 63), "write": (1, 64), "futex": (202, 98), "setitimer": (38, 103), "clock_gettime": (228, 113),
    "munmap": (11, 215), "madvise": (28, 233), "mremap": (25, 216), "brk": (12, 214), "rt_sigreturn": (15, 139),
    "rt_sigprocmask": (14, 135), "rt_sigaction": (13, 134), "sched_yield": (24, 124), "getrandom": (318, 278),
    "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "nanosleep": (35, 101), "getitimer": (36, 102),
    "sigaltstack": (131, 132), "restart_syscall": (219, 128), "gettid": (186, 178), "getpid": (39, 172),
    "set_robust_list": (273, 99), "rseq": (334, 293), "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip


@pytest.mark.parametrize(("place", "machine"), [(0, "x86_64"), (1, "aarch64")])
def test_the_list_is_that_of_the_kernels_tables(place: int, machine: str) -> None:
    architecture = ARCHITECTURES[machine]
    others = {"x86_64": ((9, 10), 234, 317), "aarch64": ((222, 226), 131, 277)}  # mmap mprotect, tgkill, seccomp

    assert architecture.allowed == tuple(numbers[place] for numbers in NUMBERS.values())
    assert (architecture.mapping, architecture.tgkill, architecture.seccomp) == others[machine]
