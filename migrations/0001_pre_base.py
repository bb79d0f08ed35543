"""The first schema: platform tables, tenant tables with forced row-level security, rights of the daemon's role."""

from pathlib import Path

from alembic import context, op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQL = Path(__file__).parent / "sql"


def upgrade() -> None:
    """Create everything."""
    run_script = context.config.attributes["run_script"]
    for name in ("0001_base.sql", "0001_rights.sql"):
        run_script(op.get_bind(), (SQL / name).read_text(encoding="utf-8"))
    op.execute("INSERT INTO schema_versions (number, name, oldest_code) VALUES (1, 'base', 1)")
