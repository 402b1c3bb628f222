"""Let it be unknown whether a label was given blind: nobody knows it of imported ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from the revision before to this one."""
    with op.batch_alter_table("annotations", schema=None) as batch_op:
        batch_op.alter_column("blind", existing_type=sa.Boolean(), nullable=True)


def downgrade() -> None:
    """Go back. What is not known is taken for blind, as it was before."""
    op.execute("UPDATE annotations SET blind = true WHERE blind IS NULL")
    with op.batch_alter_table("annotations", schema=None) as batch_op:
        batch_op.alter_column("blind", existing_type=sa.Boolean(), nullable=False)
