"""The pages about sessions, together: lists, one session, its CDR, and why its figures are trusted."""

from wattseal.serve.web.pages import cdrs, sessions, why

ROUTES = (*sessions.ROUTES, *cdrs.ROUTES, *why.ROUTES)
