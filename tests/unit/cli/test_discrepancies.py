"""What a terminal holds of a finding."""

from worker.cli.discrepancies import shortened


def test_a_sentence_is_cut_where_a_line_ends_and_never_to_nothing() -> None:
    assert shortened("mail is not as wanted.", room=60) == "mail is not as wanted."
    assert shortened("a" * 50, room=40) == "a" * 39 + "…"
    assert shortened("a" * 50, room=-20) == "a" * 29 + "…"
