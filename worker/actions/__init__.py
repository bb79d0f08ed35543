"""Every verb that changes state: authorise, act, audit, in one transaction. API, console and CLI all call these."""

from worker.actions.expiry import Expired, Expiry
from worker.actions.house import Act, House, acting, refuse_outdated
from worker.actions.suspending import Suspended, Suspending

__all__ = ["Act", "Expired", "Expiry", "House", "Suspended", "Suspending", "acting", "refuse_outdated"]
