"""The pages about sessions, together: lists, one session, its CDR, why its figures are trusted, and the feed."""

from wattseal.serve.web import live
from wattseal.serve.web.pages import cdrs, sessions, why

ROUTES = (*sessions.ROUTES, *cdrs.ROUTES, *why.ROUTES, *live.ROUTES)
