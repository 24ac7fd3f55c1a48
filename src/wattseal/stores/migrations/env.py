"""Alembic's entry: takes the connection from `wattseal.stores.migrate`, so that no configuration file is needed."""

from alembic import context

from wattseal.stores.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
