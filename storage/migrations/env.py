"""Alembic's entry: runs the migrations on the connection that `storage.schema` hands over."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Enum
from sqlmodel import AutoString

from storage.tables import NAMING, UtcDateTime


def render(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write columns into new migrations in SQLAlchemy's own types, so that these outlive the models of their day."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        autogen.imports.add("from storage.tables import UtcDateTime")
        return "UtcDateTime()"
    if isinstance(item, Enum):
        return f"sa.String({item.length})"
    if isinstance(item, AutoString):
        length = getattr(item.impl_instance, "length", None)
        return f"sa.String({length or ''})"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=NAMING,
    render_as_batch=True,
    render_item=render,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
