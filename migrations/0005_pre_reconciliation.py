"""What correlation, reconciliation and schedules need to be steered by people."""

from pathlib import Path

from alembic import context, op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent / "sql"
SCRIPTS = (
    "0005_correlation.sql",
    "0005_reconciliation.sql",
    "0005_schedules.sql",
    "0005_precedence.sql",
    # The same loop as in step 2: it closes whatever tables of tenants' rows are still open.
    "0002_rights.sql",
)


def upgrade() -> None:
    """Only add: a process of the step before runs on."""
    run_script = context.config.attributes["run_script"]
    run_script(op.get_bind(), "\n".join((SQL / name).read_text(encoding="utf-8") for name in SCRIPTS))
    op.execute("INSERT INTO schema_versions (number, name, oldest_code) VALUES (5, 'reconciliation', 2)")
