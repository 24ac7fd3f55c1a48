"""Alembic migrations, run by `wattseal.stores.migrate`; the same ones on SQLite and PostgreSQL."""
