"""The pages about stations and what runs them."""

from wattseal.serve.web.pages import network

ROUTES = (*network.ROUTES,)
