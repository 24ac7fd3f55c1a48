"""The pages about people: signing in, one's own page, who works here, who did what, what takes two of them."""

from wattseal.serve.web.pages import fleet_limits, login, login_oidc, people, profile, ramp

ROUTES = (*login.ROUTES, *login_oidc.ROUTES, *profile.ROUTES, *people.ROUTES, *fleet_limits.ROUTES, *ramp.ROUTES)
