"""The pages about money, in the order of the navigation."""

from wattseal.serve.web.pages import accounts, disputes, driver_data, invoices, quarantine, revenue, tariffs, tokens

ROUTES = (
    *revenue.ROUTES,
    *quarantine.ROUTES,
    *tariffs.ROUTES,
    *tokens.ROUTES,
    *accounts.ROUTES,
    *driver_data.ROUTES,
    *invoices.ROUTES,
    *disputes.ROUTES,
)
