"""What runs over many accounts need to find their work without reading everybody."""

from pathlib import Path

from alembic import context, op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent / "sql"
SCRIPTS = (
    "0006_reconciliation.sql",
    "0006_cases.sql",
    "0006_correlation.sql",
    "0006_ranges.sql",
    "0006_follow_ups.sql",
    "0006_correlate.sql",
    "0006_keeping.sql",
    # The same loop as in step 2: it closes whatever tables of tenants' rows are still open.
    "0002_rights.sql",
)


def upgrade() -> None:
    """Only add: a process of the step before runs on."""
    run_script = context.config.attributes["run_script"]
    run_script(op.get_bind(), "\n".join((SQL / name).read_text(encoding="utf-8") for name in SCRIPTS))
    op.execute("INSERT INTO schema_versions (number, name, oldest_code) VALUES (6, 'scale', 2)")
