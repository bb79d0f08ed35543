"""The deadline that all steps of a stop share."""

import asyncio

from worker.service.closing import Closing


async def test_a_step_that_ends_is_done() -> None:
    assert await Closing(within_s=60).step("nothing", asyncio.sleep(0))


async def test_a_step_that_hangs_is_cut_off_and_leaves_the_next_its_moment() -> None:
    closing = Closing(within_s=0)

    assert not await closing.step("hangs", asyncio.Event().wait())
    assert await closing.step("ends", asyncio.sleep(0))


async def test_what_is_spared_is_left_for_the_steps_behind() -> None:
    closing = Closing(within_s=60)

    assert not await closing.step("hangs", asyncio.Event().wait(), sparing_s=60)
    assert closing.left_s > 30
