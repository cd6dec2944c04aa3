"""Alembic's entry: run the migrations on the connection that `auricle.store.schema.migrate` opened."""

from __future__ import annotations

from alembic import context

from auricle.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
