"""Tests that notice nothing protect nothing: some known mistakes, made on purpose. The rest is ``scripts/mutants``."""

import pytest

from tests.mutants.catalogue import MUTANTS, Mutant
from tests.mutants.running import ROOT, judge
from tests.mutants.sandboxed import SANDBOX_MUTANTS

ALL = (*MUTANTS, *SANDBOX_MUTANTS)
QUICK = [mutant for mutant in ALL if mutant.is_quick]


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_every_mutant_still_has_its_place_in_the_code(mutant: Mutant) -> None:
    missing = [old for name, old, _ in mutant.edits if old not in (ROOT / name).read_text(encoding="utf-8")]
    lost = [test for test in mutant.noticed_by if not (ROOT / test.partition("::")[0]).exists()]

    assert (missing, lost) == ([], [])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutant", QUICK, ids=lambda mutant: mutant.name)
def test_a_quick_mutant_is_noticed(mutant: Mutant) -> None:
    verdict = judge(mutant)

    assert verdict.is_caught, f"{verdict.reason}\n{verdict.said}"
