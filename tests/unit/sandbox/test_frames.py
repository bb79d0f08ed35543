import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox import HEADER, FrameError, pack, unpack, wall_ceiling
from worker.sandbox.frames import cpu_ceiling

LINES = st.lists(st.binary(max_size=50).filter(lambda line: b"\n" not in line), max_size=5)


@given(header=st.dictionaries(st.text(max_size=9), st.text(max_size=9) | st.integers() | st.none()), lines=LINES)
def test_a_packed_frame_unpacks_to_itself(header: dict[str, object], lines: list[bytes]) -> None:
    frame = pack(header, lines)

    assert HEADER.unpack(frame[:4])[0] == len(frame) - 4
    assert unpack(frame[4:]) == (header, lines)


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"5\n{}", b"[" * 100_000, b"\xff"])
def test_what_is_no_header_is_a_frame_error(payload: bytes) -> None:
    with pytest.raises(FrameError):
        unpack(payload)


def test_the_kernels_limits_are_beyond_the_budget() -> None:
    assert cpu_ceiling(0.25) == pytest.approx(0.425)
    assert wall_ceiling(0.25) == pytest.approx(3.5)
    assert 0 < cpu_ceiling(0) < wall_ceiling(0)
