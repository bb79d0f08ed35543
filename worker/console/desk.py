"""The desk between a request and a page: who asks, is the form genuine, how the answer goes out."""

import base64
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import structlog
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from worker.console.cause_doors import ConsoleCauses
from worker.console.doors import ActResult, ConsoleActs, ConsoleAuth, ConsoleReads, ConsoleSession, Principal
from worker.console.hook_doors import ConsoleHooks
from worker.console.mapping_doors import ConsoleMappings
from worker.console.query import BadQuery, Query, address, local_path
from worker.console.rendering import Templates
from worker.console.repair_doors import ConsoleRepairs
from worker.console.rule_doors import ConsoleRules
from worker.console.schedule_doors import ConsoleSchedules
from worker.console.views import AttributeChange, Badges
from worker.domain.errors import Forbidden, InvalidRequest, NotFound, RequestError

log = structlog.get_logger()

FLASH = "pvd_flash"
LONGEST_FORM = 256 * 1024
#: Fifty rules of correlation are the largest form.
MOST_FIELDS = 1_100
CAN_ACT = frozenset({"admin", "operator"})
CAN_CONFIGURE = frozenset({"admin"})

Form = dict[str, list[str]]
Handler = Callable[["Visit"], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Desk:
    """What every page is made with."""

    reads: ConsoleReads
    acts: ConsoleActs
    auth: ConsoleAuth
    hooks: ConsoleHooks
    mappings: ConsoleMappings
    causes: ConsoleCauses
    schedules: ConsoleSchedules
    repairs: ConsoleRepairs
    rules: ConsoleRules
    templates: Templates

    def signed_in(self, handler: Handler) -> Endpoint:
        """Let a person with a session in, and send everybody else to the sign-in page and back."""

        async def endpoint(request: Request) -> Response:
            session = await self.auth.session(request)
            if session is None:
                return _to_sign_in(request)
            try:
                form = await genuine_form(request, csrf=session.csrf_token) if request.method == "POST" else {}
                return await handler(Visit(self, request, session, form))
            except RequestError as error:
                return await self._problem(request, session, error)

        return endpoint

    async def _problem(self, request: Request, session: ConsoleSession, error: RequestError) -> Response:
        visit = Visit(self, request, session)
        code = {NotFound: 404, Forbidden: 403, BadQuery: 422, InvalidRequest: 422}.get(type(error), 400)
        return await visit.render("problem.html", code=code, kind=error.code, message=str(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The question before an act: verb, number and object in ``title``, what it does in ``effect``.

    ``button`` does it (there is none where it cannot be done) and ``keep`` leaves things as they are. ``fields`` go
    back with the form; ``type_number`` must be typed, ``consent`` is a box that must be ticked (name, label);
    ``choices`` is one select (name, label, options), ``text`` one required field (name, label); ``payload`` may be
    corrected. ``changes`` are what it changes, ``each`` of several things with its name.
    """

    title: str
    effect: str
    action: str
    button: str
    keep: str
    body: Sequence[str] = ()
    fields: Sequence[tuple[str, str]] = ()
    notes: str | None = None
    choices: tuple[str, str, tuple[tuple[str, str], ...]] | None = None
    text: tuple[str, str] | None = None
    changes: tuple[AttributeChange, ...] = ()
    each: Sequence[tuple[str, tuple[AttributeChange, ...]]] = ()
    type_number: int | None = None
    consent: tuple[str, str] | None = None
    payload: dict[str, Any] | None = None
    is_danger: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a signed-in person."""

    desk: Desk
    request: Request
    session: ConsoleSession
    form: Form = field(default_factory=dict)

    @property
    def principal(self) -> Principal:
        return self.session.principal

    @property
    def tenant_id(self) -> UUID:
        return self.session.principal.tenant_id

    @property
    def reads(self) -> ConsoleReads:
        return self.desk.reads

    @property
    def acts(self) -> ConsoleActs:
        return self.desk.acts

    @property
    def hooks(self) -> ConsoleHooks:
        return self.desk.hooks

    @property
    def mappings(self) -> ConsoleMappings:
        return self.desk.mappings

    @property
    def causes(self) -> ConsoleCauses:
        return self.desk.causes

    @property
    def schedules(self) -> ConsoleSchedules:
        return self.desk.schedules

    @property
    def repairs(self) -> ConsoleRepairs:
        return self.desk.repairs

    @property
    def rules(self) -> ConsoleRules:
        return self.desk.rules

    @property
    def query(self) -> Query:
        return Query(dict(self.request.query_params))

    def id(self, name: str) -> UUID:
        """An id of the path; one that is none is simply not found."""
        try:
            return UUID(self.request.path_params[name])
        except ValueError as error:
            raise NotFound("There is nothing under this id.") from error

    def ids(self) -> tuple[UUID, ...]:
        """The chosen ids, from the form or the query, at most 100."""
        chosen = self.form.get("id") or self.request.query_params.getlist("id")
        try:
            found = tuple(dict.fromkeys(UUID(value) for value in chosen))
        except ValueError as error:
            raise BadQuery("One of the chosen ids cannot be read.") from error
        if not 1 <= len(found) <= 100:
            raise BadQuery("Choose between 1 and 100.")
        return found

    def said(self, name: str, *, longest: int = 2000) -> str | None:
        """A trimmed field of the form, or None when empty."""
        text = (self.form.get(name) or [""])[0].strip()
        if len(text) > longest:
            raise InvalidRequest(f"“{name}” is longer than {longest} characters.")
        return text or None

    def script(self, name: str) -> str:
        """A field of source text as it was written; browsers send its lines with CR and LF."""
        return (self.form.get(name) or [""])[0].replace("\r\n", "\n")

    def found(self, thing: Any, *, what: str) -> Any:
        """The thing, or the page that says there is none."""
        if thing is None:
            raise NotFound(f"There is no such {what}. It may have been removed, or the address is mistyped.")
        return thing

    async def render(self, template: str, *, code: int = 200, **context: Any) -> Response:
        """A page with its frame: navigation with numbers, the person, the message of the last act."""
        badges = Badges() if self.is_part else await self.reads.badges(self.tenant_id)
        frame = {
            "request": self.request,
            "principal": self.principal,
            "may_act": bool(self.principal.roles & CAN_ACT),
            "may_configure": bool(self.principal.roles & CAN_CONFIGURE),
            "csrf": masked(self.session.csrf_token),
            "badges": badges,
            "flash": _read_flash(self.request),
            "is_part": self.is_part,
            "here": str(self.request.url.path) + (f"?{self.request.url.query}" if self.request.url.query else ""),
            "theme": _choice(self.request, "pvd_theme", ("light", "dark")),
            "clock": _choice(self.request, "pvd_clock", ("utc", "local")) or "utc",
            "keys": _choice(self.request, "pvd_keys", ("on", "off")) or "on",
        }
        response = self.desk.templates.page(template, {**frame, **context}, status=code, request=self.request)
        if frame["flash"]:
            response.delete_cookie(FLASH, path="/")
        return response

    @property
    def is_part(self) -> bool:
        """Whether only the content of a dialog or the answer to a trial is wanted, not a whole page."""
        return self.request.headers.get("X-Part") in {"dialog", "answer"}

    async def ask(self, question: Question) -> Response:
        """Put the question: in a dialog where there is script, on a page of its own where there is none."""
        back = local_path(self.query.text("back", longest=2000), default="/")
        return await self.render("ask.html", back=back, question=question)

    def done(self, result: ActResult, *, default: str) -> Response:
        """Back to where the person was, with what happened in words."""
        where = local_path(self.said("back"), default=default)
        if result.ok and result.link and self.said("follow"):
            where = local_path(result.link, default=where)
        response = RedirectResponse(where, 303)
        message = {"message": result.message[:600], "ok": result.ok, "link": result.link}
        packed = base64.urlsafe_b64encode(json.dumps(message, ensure_ascii=False).encode()).decode()
        response.set_cookie(FLASH, packed, max_age=60, path="/", httponly=True, samesite="lax")
        log.info("console.acted", path=self.request.url.path, ok=result.ok, actor=str(self.principal.id))
        return response


async def genuine_form(request: Request, *, csrf: str | None) -> Form:
    """The form of a POST, when it comes from a page of ours; else ``Forbidden``."""
    if not _is_same_site(request):
        raise Forbidden("This form was sent by another site.")
    if int(request.headers.get("content-length") or 0) > LONGEST_FORM:
        raise InvalidRequest("The form is too large.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_FORM:
            raise InvalidRequest("The form is too large.")
    form: Form = {}
    try:
        for name, value in parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS):
            form.setdefault(name, []).append(value)
    except ValueError as error:
        raise InvalidRequest("The form cannot be read.") from error
    if csrf is not None and not hmac.compare_digest(unmasked((form.get("csrf") or [""])[0]), csrf.encode()):
        raise Forbidden("The page was too old for this. Nothing was done; load it again and repeat.")
    return form


def masked(csrf: str) -> str:
    """The token under a pad of its own for each page, so that the size of a compressed page tells nothing about it."""
    plain = csrf.encode()
    pad = secrets.token_bytes(len(plain))
    return base64.urlsafe_b64encode(pad + bytes(a ^ b for a, b in zip(pad, plain, strict=True))).decode()


def unmasked(field: str) -> bytes:
    """The token of a form; nothing when it is none."""
    try:
        both = base64.urlsafe_b64decode(field)
    except ValueError:
        return b""
    half = len(both) // 2
    return bytes(a ^ b for a, b in zip(both[:half], both[half:], strict=False))


def _is_same_site(request: Request) -> bool:
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _to_sign_in(request: Request) -> Response:
    """To the sign-in page, and from there back to the page; an act is not repeated, its page is shown again."""
    wanted = request.url
    if request.method != "GET":
        wanted = URL(request.headers.get("referer", "/"))
        if wanted.netloc != request.url.netloc:
            wanted = URL("/")
    path = wanted.path + (f"?{wanted.query}" if wanted.query else "")
    return RedirectResponse(address("/sign-in", {"next": path if path != "/" else None}), 303)


def _read_flash(request: Request) -> dict[str, Any] | None:
    packed = request.cookies.get(FLASH)
    if not packed:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(packed))
        message, link = str(found["message"]), found.get("link")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    is_local = isinstance(link, str) and local_path(link, default="") == link
    return {"message": message, "ok": found.get("ok") is True, "link": link if is_local else None}


def _choice(request: Request, name: str, allowed: tuple[str, ...]) -> str | None:
    found = request.cookies.get(name)
    return found if found in allowed else None
