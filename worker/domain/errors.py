"""Every error this product names.

ProvisioningError                 anything we name
├── ConnectorError                what a connector may raise, and nothing else
│   ├── TransientError            retrying helps
│   │   ├── TargetUnavailable     refused, unreachable, 5xx: counts for the breaker
│   │   ├── TargetTimeout         no answer in time: what happened is unknown when a change was sent
│   │   ├── TargetBusy            429 / busy; carries ``retry_after``
│   │   ├── OutcomeUnknown        sent, and the answer was lost: read back before any second try
│   │   ├── HeldStill             this process was held still meanwhile: nothing is known of the target
│   │   ├── ListingChanged        a listing cannot be continued: list again from the beginning
│   │   └── LeaseLost             we may not change the target any more; nothing was sent
│   └── PermanentError            retrying cannot help
│       ├── UnknownUid            the target has no object with this uid
│       ├── AlreadyExists         the target has such an object already
│       ├── InvalidAttributes     the target refuses a value
│       ├── AccessRefused         our credentials are not allowed to do this
│       ├── CredentialsRejected   our credentials are wrong: a system failure, counts for the breaker
│       ├── Unsupported           the connector cannot do this
│       ├── ProtectedAccount      the account is protected; nothing was sent
│       └── ConnectorBug          the connector failed in a way that it does not name
├── HookError                     a hook failed; ``hook_class`` names how
├── UnreadableSecret              a sealed value of an operation cannot be had; ``field`` names the attribute
├── SettingsError                 configuration that cannot work
├── RequestError                  a request that cannot be carried out
│   ├── NotFound · InvalidRequest · Forbidden · Unauthenticated
│   ├── InvalidFilter             a filter that cannot be read; ``column`` and ``suggestion``
│   ├── InvalidMapping            rules that are not stored; ``members`` has every mistake in them
│   ├── InvalidRules              correlation rules that are not stored; ``members`` has every mistake in them
│   ├── InvalidScript             a script that is not stored; ``members`` has what the sandbox said
│   ├── SavedTestsFailed          a version that does not do what its tests say; ``members`` has the tests
│   └── WrongState                the object is not in a state that allows this
│       ├── ContradictsDecisions  rules that go against what people decided; ``members`` tells of whom
│       ├── Outdated              somebody else changed it since it was read
│       └── Untouchable           it would change a protected account
└── SurroundingsError             the machine or the database is not as needed; one clear sentence
"""

from datetime import timedelta
from typing import Any, ClassVar


class ProvisioningError(Exception):
    """Something went wrong that we have a name for."""

    code: ClassVar[str] = "error"

    def __init__(self, detail: str = "", **fields: Any) -> None:
        first = (type(self).__doc__ or "").strip().splitlines()[0]
        self.detail = detail
        self.fields = fields
        super().__init__(detail or first)


class ConnectorError(ProvisioningError):
    """The target could not do what was asked."""

    code = "connector_error"
    is_system_failure: ClassVar[bool] = False


class TransientError(ConnectorError):
    """The target could not do it now; trying again may help."""

    code = "transient"

    def __init__(self, detail: str = "", *, retry_after: timedelta | None = None, **fields: Any) -> None:
        super().__init__(detail, **fields)
        self.retry_after = retry_after


class TargetUnavailable(TransientError):
    """The target cannot be reached."""

    code = "target_unavailable"
    is_system_failure = True


class TargetTimeout(TransientError):
    """The target did not answer in time."""

    code = "target_timeout"
    is_system_failure = True


class TargetBusy(TransientError):
    """The target asks us to slow down."""

    code = "target_busy"


class OutcomeUnknown(TransientError):
    """The change was sent and the answer was lost; the target must be read before a second try."""

    code = "outcome_unknown"


class HeldStill(TransientError):
    """This process was held still while it waited for the target."""

    code = "held_still"


class ListingChanged(TransientError):
    """The listing cannot be continued from this token; it must start again from the beginning."""

    code = "listing_changed"


class LeaseLost(TransientError):
    """Our right to this work ran out before the change was sent."""

    code = "lease_lost"


class PermanentError(ConnectorError):
    """The target refuses this for good."""

    code = "permanent"


class UnknownUid(PermanentError):
    """The target has no object with this uid."""

    code = "unknown_uid"


class AlreadyExists(PermanentError):
    """The target has such an object already."""

    code = "already_exists"


class InvalidAttributes(PermanentError):
    """The target refuses an attribute value."""

    code = "invalid_attributes"


class AccessRefused(PermanentError):
    """Our account at the target is not allowed to do this."""

    code = "access_refused"


class CredentialsRejected(PermanentError):
    """The target rejects our credentials."""

    code = "credentials_rejected"
    is_system_failure = True


class Unsupported(PermanentError):
    """The connector cannot do this."""

    code = "unsupported"


class ProtectedAccount(PermanentError):
    """The account is protected and is never changed by us."""

    code = "protected_account"


class ConnectorBug(PermanentError):
    """The connector failed in a way that it does not name."""

    code = "connector_bug"


class HookError(ProvisioningError):
    """A hook failed."""

    code = "hook.script"

    def __init__(
        self, detail: str = "", *, hook_class: str = "hook.script", retryable: bool = False, **fields: Any
    ) -> None:
        super().__init__(detail, **fields)
        self.hook_class = hook_class
        self.retryable = retryable


class UnreadableSecret(ProvisioningError):
    """A sealed value of this operation cannot be opened."""

    code = "secret_unreadable"


class SettingsError(ProvisioningError):
    """The configuration cannot work."""

    code = "settings"


class RequestError(ProvisioningError):
    """The request cannot be carried out."""

    code = "invalid_request"


class NotFound(RequestError):
    """There is no such object."""

    code = "not_found"


class InvalidRequest(RequestError):
    """The request is not valid."""

    code = "invalid_request"


class InvalidFilter(InvalidRequest):
    """The filter cannot be read."""

    code = "invalid_filter"

    def __init__(self, detail: str = "", *, column: int = 1, suggestion: str | None = None) -> None:
        hint = f" (meant: {suggestion}?)" if suggestion else ""
        super().__init__(f"column {column}: {detail}{hint}", column=column, suggestion=suggestion)
        self.column = column
        self.suggestion = suggestion


class InvalidMapping(InvalidRequest):
    """The mapping cannot be used."""

    code = "invalid_mapping"


class InvalidRules(InvalidRequest):
    """The rule set cannot be used."""

    code = "invalid_rules"


class InvalidScript(InvalidRequest):
    """The script cannot work."""

    code = "invalid_script"


class SavedTestsFailed(InvalidRequest):
    """Saved tests fail."""

    code = "saved_tests_failed"


class Unauthenticated(RequestError):
    """Sign in or send a valid token."""

    code = "unauthenticated"


class Forbidden(RequestError):
    """Your role does not allow this."""

    code = "forbidden"


class WrongState(RequestError):
    """The object is not in a state that allows this."""

    code = "wrong_state"


class ContradictsDecisions(WrongState):
    """The rules go against what people decided."""

    code = "contradicts_decisions"


class Outdated(WrongState):
    """Somebody else changed it meanwhile; read it again."""

    code = "outdated"


class Untouchable(WrongState):
    """The account is protected and is never changed by us."""

    code = "protected_account"


class SurroundingsError(ProvisioningError):
    """The machine or the database is not as needed."""

    code = "surroundings"
