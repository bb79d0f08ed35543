from worker.domain.known import known
from worker.domain.operation import OperationStatus


def test_a_word_of_the_kind_is_that_word_and_any_other_stays_a_text() -> None:
    assert known(OperationStatus, "pending") is OperationStatus.PENDING
    assert known(OperationStatus, "suspended") == "suspended"
    assert not isinstance(known(OperationStatus, "suspended"), OperationStatus)
