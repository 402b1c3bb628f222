"""Alembic's entry: runs the migrations on the engine that `Database` hands over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from alembic import context

from service.storage.schema import Base, Moment

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext


def _render(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Write our type as what is stored: a migration must not change with the code."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


with context.config.attributes["engine"].connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, render_item=_render)
    with context.begin_transaction():
        context.run_migrations()
    if connection.in_transaction():
        connection.commit()
