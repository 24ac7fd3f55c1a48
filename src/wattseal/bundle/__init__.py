"""The bundle: all a stranger needs to check one charge offline (docs/spec/bundle.md)."""
