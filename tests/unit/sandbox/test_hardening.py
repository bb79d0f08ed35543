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
