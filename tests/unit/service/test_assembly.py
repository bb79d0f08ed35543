"""What of the configuration reaches the parts of the house."""

from worker.safeguard import DEFAULT_LIMITS, SafeguardLimits
from worker.service.house import limits_of
from worker.settings import Settings


def test_the_safeguard_is_the_configured_one() -> None:
    settings = Settings.model_validate({"safeguard": {"floor": 1, "percent": 2.5, "cap": 30, "shrink_percent": 40.0}})

    assert limits_of(settings) == SafeguardLimits(floor=1, percent=2.5, cap=30, shrink_percent=40.0)


def test_without_settings_the_safeguard_is_the_documented_one() -> None:
    assert limits_of(Settings()) == DEFAULT_LIMITS
