"""Adapters to durable storage: databases, tiles on disk, files of keys. The only rooms that touch a disk are here."""
