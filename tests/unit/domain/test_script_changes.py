"""Differences between versions: what patches apply, at a bounded cost."""

import re

from hypothesis import given
from hypothesis import strategies as st

from worker.domain.script_changes import MAX_COMPARED, unified

NAMES = ("version 1", "version 2")
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def patched(before: str, diff: str) -> str:
    """What a patch makes of a text."""
    old, new, at = before.splitlines(), [], 0
    for line in diff.splitlines()[2:]:
        hunk = _HUNK.fullmatch(line)
        if hunk is not None:
            start = int(hunk[1]) - (0 if hunk[2] == "0" else 1)
            new += old[at:start]
            at = start
        elif line[:1] == "+":
            new.append(line[1:])
        else:
            assert old[at] == line[1:]
            at += 1
            if line[:1] == " ":
                new.append(line[1:])
    return "\n".join([*new, *old[at:]])


def test_nothing_differs_from_itself() -> None:
    assert unified("a\nb\n", "a\nb\n", names=NAMES) == ""


def test_a_change_is_shown_with_what_is_around_it() -> None:
    diff = unified("a\nb\nc\n", "a\nB\nc\n", names=NAMES)

    assert diff.splitlines() == ["--- version 1", "+++ version 2", "@@ -1,3 +1,3 @@", " a", "-b", "+B", " c"]


@given(
    st.lists(st.sampled_from("abcde"), max_size=30).map("\n".join),
    st.lists(st.sampled_from("abcde"), max_size=30).map("\n".join),
)
def test_a_difference_leads_from_one_version_to_the_other(before: str, after: str) -> None:
    assert patched(before, unified(before, after, names=NAMES)) == after


def test_what_differs_widely_is_shown_as_replaced() -> None:
    """The worst that a comparison could be asked for ends at once, and is right all the same."""
    before = "\n".join(["head", *(f"a{n % 7}" for n in range(MAX_COMPARED)), "tail"])
    after = "\n".join(["head", *(f"b{n % 7}" for n in range(20_000)), "tail"])

    diff = unified(before, after, names=NAMES)

    assert diff.splitlines()[2] == f"@@ -2,{MAX_COMPARED} +2,20000 @@"
    assert patched(before, diff) == after
