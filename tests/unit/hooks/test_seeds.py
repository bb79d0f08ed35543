from uuid import UUID

from worker.hooks import SEEDS, dry_seed, seed_of
from worker.security import Vault

ONE, TWO = UUID(int=1), UUID(int=2)


def test_every_try_of_an_operation_has_the_same_seed_and_everything_else_another() -> None:
    key, other = (Vault([bytes([number]) * 32]).derive(SEEDS) for number in (1, 2))
    ids = [(ONE, ONE, ONE), (TWO, ONE, ONE), (ONE, TWO, ONE), (ONE, ONE, TWO)]
    seeds = [
        seed_of(made, tenant_id=tenant, operation_id=operation, hook_id=hook)
        for made in (key, other)
        for tenant, operation, hook in ids
    ]

    assert len({*seeds, dry_seed(str(ONE))}) == 9
    assert {len(seed) for seed in seeds} == {32}
    assert seed_of(key, tenant_id=ONE, operation_id=TWO, hook_id=ONE) == seeds[2]


def test_a_key_is_for_one_purpose_and_follows_from_the_first_key_alone() -> None:
    first, second = bytes(32), b"\1" * 32

    assert Vault([first]).derive("a") == Vault([first, second]).derive("a")
    assert len({Vault([first]).derive("a"), Vault([first]).derive("b"), Vault([second]).derive("a")}) == 3
    assert first not in {Vault([first]).derive(each) for each in ("", "a")}
