"""The pages about people: signing in, one's own page."""

from wattseal.serve.web.pages import login, profile

ROUTES = (*login.ROUTES, *profile.ROUTES)
