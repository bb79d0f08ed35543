"""Where a run over changes alone makes sense."""

from worker.connectors import abilities
from worker.domain.connector import Connector
from worker.domain.errors import SettingsError


def why_no_delta(connector: Connector) -> str | None:
    """Why a delta of this connector does not do what people expect of it; None when it does, or nobody can tell."""
    if not connector.is_target:
        return f"{connector.name} is a source, which is read as a whole each time; choose full"
    try:
        tells = "sync" in abilities(connector)
    except SettingsError:
        return None  # whoever looks at the connector is told
    if tells:
        return None
    return (
        f"{connector.name} cannot tell what has changed there, so a delta would see only what changed here; choose full"
    )
