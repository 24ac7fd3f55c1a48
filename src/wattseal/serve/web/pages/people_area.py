"""The pages about people: signing in, one's own page, who works here, who did what."""

from wattseal.serve.web.pages import login, people, profile

ROUTES = (*login.ROUTES, *profile.ROUTES, *people.ROUTES)
