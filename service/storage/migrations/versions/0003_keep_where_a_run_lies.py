"""Keep where a run lies among others, so that the queue can spread the first labels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from the revision before to this one."""
    with op.batch_alter_table("diagnoses", schema=None) as batch_op:
        batch_op.add_column(sa.Column("place", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("diagnoses", schema=None) as batch_op:
        batch_op.drop_column("place")
