"""Every setting: its type, its default, its limits and what it means to an operator."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic.fields import FieldInfo

PREFIX = "PROVISIOND_"
KEY_BYTES = 32


class Role(StrEnum):
    API = "api"
    CONSOLE = "console"
    WORKER = "worker"
    SCHEDULER = "scheduler"
    INTAKE = "intake"


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _check_database_url(secret: SecretStr) -> SecretStr:
    try:
        url = urlsplit(secret.get_secret_value())
        _ = url.port
    except ValueError as error:
        raise ValueError("is not a URL") from error
    if url.scheme not in {"postgresql", "postgres"}:
        raise ValueError("must start with postgresql://")
    if not url.path.strip("/"):
        raise ValueError("must name a database: postgresql://user:password@host/database")
    return secret


def _check_key_reference(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    kind, _, name = text.partition(":")
    if kind in {"env", "file"}:
        if not name:
            raise ValueError(f"must name what to read: {kind}:NAME")
        return secret
    try:
        size = len(base64.b64decode(text, validate=True))
    except binascii.Error as error:
        raise ValueError("must be env:NAME, file:PATH or the key in base64") from error
    if size != KEY_BYTES:
        raise ValueError(f"must be a key of {KEY_BYTES} bytes in base64, this one has {size}")
    return secret


DatabaseUrl = Annotated[SecretStr, AfterValidator(_check_database_url)]
KeyReference = Annotated[SecretStr, AfterValidator(_check_key_reference)]
Roles = Annotated[tuple[Role, ...], BeforeValidator(_split), Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Bind(_Group):
    host: str = Field(default="127.0.0.1", min_length=1, description="Address that API and console listen on.")
    port: int = Field(
        default=8080, ge=0, le=65_535, description="Port that API and console listen on; 0 takes a free one."
    )


class Log(_Group):
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lines below it are not written."
    )
    format: Literal["auto", "json", "console"] = Field(
        default="auto", description="Form of log lines; auto is console on a terminal and json elsewhere."
    )


class Hooks(_Group):
    workers: int = Field(default=2, ge=1, le=64, description="Sandboxed processes that run scripts.")
    call_ms: int = Field(
        default=250, ge=10, le=5_000, description="Time one call of a script may take, in milliseconds."
    )
    memory_mb: int = Field(
        default=128, ge=16, le=4_096, description="Memory a sandboxed process may add, in megabytes."
    )
    require_seccomp: bool = Field(
        default=True, description="Do not start the daemon where the kernel cannot lock scripts in."
    )


class Safeguard(_Group):
    floor: int = Field(
        default=10, ge=0, description="Removals a day that are always allowed, whatever the percentage says."
    )
    percent: Percent = Field(
        default=5.0, description="Removals a day that are allowed, in percent of the target's accounts."
    )
    cap: int = Field(
        default=500, ge=0, description="Removals a day that are never exceeded without a person's approval."
    )
    shrink_percent: Percent = Field(
        default=30.0, description="A listing that is smaller than the last one by more than this counts as incomplete."
    )
    approval_days: int = Field(
        default=7, ge=1, le=365, description="Days after which what nobody approved is rejected by itself."
    )
    growth_floor: int = Field(default=100, ge=0, description="Repairs that any run may make by its policy.")
    growth_factor: float = Field(
        default=5.0, ge=1, le=1000, description="Repairs by policy, as a multiple of what the last runs had as a rule."
    )
    alike_floor: int = Field(default=50, ge=0, description="Accounts at which any run may make the same repair.")
    alike_percent: Percent = Field(
        default=30.0, description="Accounts at which a run may make the same repair, in percent of the target's."
    )


class Keep(_Group):
    runs_days: int = Field(
        default=731, ge=30, le=36_500, description="Days for which runs are kept; the last good ones stay."
    )
    findings_days: int = Field(
        default=365,
        ge=30,
        le=36_500,
        description="Days for which settled findings and their repairs are kept.",
    )
    proposals_days: int = Field(
        default=90, ge=7, le=36_500, description="Days for which is kept what a dry run would have done."
    )
    cases_days: int = Field(default=1095, ge=90, le=36_500, description="Days for which a decided case is kept.")


class Settings(_Group):
    """All that can be configured. Times ending in ``_s`` are seconds; secrets show only when asked for by name."""

    database_url: DatabaseUrl | None = Field(
        default=None,
        description="PostgreSQL as the daemon's role, which owns nothing and cannot bypass row-level security.",
    )
    database_pooler: Literal["auto", "none", "transaction"] = Field(
        default="auto",
        description="What is between us and PostgreSQL: a pooler in transaction mode, nothing, or what is found there.",
    )
    owner_database_url: DatabaseUrl | None = Field(
        default=None, description="PostgreSQL as the role that owns the schema; only 'provisiond migrate' uses it."
    )
    secret_key: KeyReference | None = Field(
        default=None, description="Master key of sealed secrets: env:NAME, file:PATH, or 32 bytes in base64."
    )
    data_dir: Path = Field(
        default=Path(".provisiond"), description="Where 'provisiond dev' keeps its database and files."
    )
    roles: Roles = Field(default=tuple(Role), description="What this process does, separated by commas.")
    bind: Bind = Bind()
    log: Log = Log()
    lease_s: Seconds = Field(default=60.0, description="How long a silent daemon keeps the work it has claimed.")
    beat_s: Seconds = Field(
        default=15.0, description="How often a daemon says that it is alive; at most a quarter of lease_s."
    )
    drain_s: Seconds = Field(default=25.0, description="How long a stopping daemon lets running operations end.")
    attempt_s: Seconds = Field(default=45.0, description="Deadline of one try of an operation; must be below lease_s.")
    pool_size: int = Field(default=8, ge=2, le=100, description="Database connections of one process.")
    poll_s: Seconds = Field(default=1.0, description="How often a daemon looks for work when nothing wakes it.")
    notify: bool = Field(
        default=True,
        description="Tell other daemons of new work and be told, over one LISTEN connection; off where none can be.",
    )
    csv_watch_s: Seconds = Field(default=2.0, description="How often a watched file is looked at.")
    two_person_approval: bool = Field(default=False, description="Who asks for held changes may not approve them.")
    hooks: Hooks = Hooks()
    safeguard: Safeguard = Safeguard()
    keep: Keep = Keep()


def variable_of(name: str) -> str:
    """The environment variable of a dotted setting name."""
    return PREFIX + name.replace(".", "__").upper()


def _fields_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, _Group):
            yield from _fields_of(group, f"{prefix}{name}.")
        else:
            yield prefix + name, field


#: Every setting by its dotted name, in the order of the classes above.
FIELDS: Mapping[str, FieldInfo] = MappingProxyType(dict(_fields_of(Settings)))
