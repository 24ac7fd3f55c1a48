"""The pages about money, in the order of the navigation."""

from wattseal.serve.web.pages import disputes, invoices, quarantine, tariffs

ROUTES = (*quarantine.ROUTES, *tariffs.ROUTES, *invoices.ROUTES, *disputes.ROUTES)
