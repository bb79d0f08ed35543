"""What API and console have in common: who asks, how errors look, whether we are well."""

from worker.web.auth import Auth, SignedIn, bearer, needs
from worker.web.etags import SeenVersion, etag_of
from worker.web.health import Health, health_routes
from worker.web.limits import Bounded
from worker.web.problems import install_problems

__all__ = [
    "Auth",
    "Bounded",
    "Health",
    "SeenVersion",
    "SignedIn",
    "bearer",
    "etag_of",
    "health_routes",
    "install_problems",
    "needs",
]
