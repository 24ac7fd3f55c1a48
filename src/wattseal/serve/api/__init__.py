"""The operator's HTTP API: bearer token in, JSON out. One resource a module, put together in `app`.

Every handler takes a `Principal` and sees its tenant only. A module exports its handlers as `ROUTES`.
"""
