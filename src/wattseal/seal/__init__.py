"""The record: signed where it arises, sealed for its readers, chained (docs/spec/record.md)."""
