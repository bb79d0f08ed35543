"""Signing in with an API token or a one-time link, and signing out.

A link only shows a button: the secret is spent by the POST, so that a mail scanner or a preview spends nothing.
"""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from worker.console.desk import Desk, Visit, genuine_form
from worker.console.query import local_path
from worker.domain.errors import RequestError


def routes(desk: Desk) -> list[Route]:
    async def show(request: Request) -> Response:
        return _page(desk, request, link=request.query_params.get("link", "")[:300], wanted=_wanted(request))

    async def sign_in(request: Request) -> Response:
        try:
            form = await genuine_form(request, csrf=None)
        except RequestError as error:
            return _page(desk, request, wanted="/", problem=str(error), status=400)
        secret, wanted = (form.get("secret") or [""])[0].strip(), (form.get("next") or [""])[0]
        response = RedirectResponse(local_path(wanted, default="/"), 303)
        if await desk.auth.sign_in(request, response, secret=secret) is not None:
            return response
        was_link = bool(form.get("link"))
        problem = (
            "This link was used already, or is too old. Start the daemon again or ask for a new one."
            if was_link
            else "This token is not known, has expired, or may not see the console."
        )
        return _page(desk, request, wanted=wanted, problem=problem, status=403)

    return [
        Route("/sign-in", show),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/sign-out", desk.signed_in(sign_out), methods=["POST"]),
    ]


async def sign_out(visit: Visit) -> Response:
    response = RedirectResponse("/sign-in", 303)
    await visit.desk.auth.sign_out(visit.request, response)
    return response


def _wanted(request: Request) -> str:
    return local_path(request.query_params.get("next"), default="/")


def _page(
    desk: Desk, request: Request, *, wanted: str, link: str = "", problem: str | None = None, status: int = 200
) -> Response:
    theme = request.cookies.get("pvd_theme")
    context = {
        "link": link,
        "next": wanted,
        "problem": problem,
        "theme": theme if theme in {"light", "dark"} else None,
        "clock": "utc",
        "keys": "off",
    }
    return desk.templates.page("sign_in.html", context, status=status, request=request)
