"""Templates become responses: one Jinja environment, one content security policy with a fresh nonce per page."""

import gzip
import hashlib
import json
import secrets
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from worker.console import figures, findings, hook_words, mapping_words, rule_forms, words
from worker.console.query import address

HERE = Path(__file__).parent
STATIC = HERE / "static"

#: What a page may load: itself, and nothing from anywhere else.
POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; font-src 'none'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Templates:
    """The console's templates; every page gets ``now`` and ``nonce``."""

    def __init__(self) -> None:
        self._env = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.filters.update(
            ago=_ago,
            clock=_clock,
            num=words.number,
            percent=words.percent,
            span=words.span,
            micros=words.micros,
            shown=words.shown,
            plain=words.plain,
            short=_short,
            pretty=_pretty,
        )
        self._env.globals.update(
            words=words,
            findings=findings,
            figures=figures,
            hook_words=hook_words,
            mapping_words=mapping_words,
            rule_forms=rule_forms,
            address=address,
            asset=_asset_addresses().__getitem__,
        )

    def page(self, name: str, context: dict[str, Any], *, request: Request, status: int = 200) -> HTMLResponse:
        """Render a page under its own nonce, compressed where the browser can; nobody may keep it."""
        nonce = secrets.token_urlsafe(16)
        html = self._env.get_template(name).render(**context, now=datetime.now(UTC), nonce=nonce)
        headers = {**HEADERS, "Content-Security-Policy": POLICY.format(nonce=nonce), "Vary": "Accept-Encoding, Cookie"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return HTMLResponse(html, status, headers)
        packed = gzip.compress(html.encode(), 5, mtime=0)
        return HTMLResponse(packed, status, {**headers, "Content-Encoding": "gzip"})


@cache
def templates() -> Templates:
    """The one of this process: a template is compiled once, by whoever shows it first."""
    return Templates()


def _asset_addresses() -> dict[str, str]:
    """Static file names with their content in the address, so that browsers may keep them for ever."""
    return {
        str(path.relative_to(STATIC)): f"/static/{path.relative_to(STATIC)}?v={_digest(path)}"
        for path in STATIC.rglob("*")
        if path.is_file()
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


@pass_context
def _ago(context: Context, at: datetime | None) -> str:
    """A moment as its age; the absolute time is the title, and the script keeps the age fresh."""
    if at is None:
        return "–"
    stamp = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{} UTC" data-age>{}</time>').format(
        stamp.isoformat(), stamp.strftime("%Y-%m-%d %H:%M:%S"), words.age(at, now=context["now"])
    )


def _clock(at: datetime | None) -> str:
    """A moment as a clock time with its date where that is not obvious; the script turns it local when asked."""
    if at is None:
        return "–"
    stamp = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{} UTC" data-clock>{}</time>').format(
        stamp.isoformat(), stamp.strftime("%Y-%m-%d %H:%M:%S"), stamp.strftime("%Y-%m-%d %H:%M:%S")
    )


def _short(value: UUID | str) -> str:
    """The end of an id: of time-ordered ids the random part, which tells neighbours apart."""
    return str(value)[-8:]


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str, sort_keys=True)
