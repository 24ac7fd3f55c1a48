"""The API put together: every resource's routes, who asks, and how errors are told."""

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from wattseal.base.errors import WattsealError
from wattseal.serve import webhooks
from wattseal.serve.api import (
    accounts,
    aggregates,
    alarms,
    alive,
    api_tokens,
    app_codes,
    bills,
    certificates,
    charging,
    command_log,
    commands,
    device,
    disputes,
    erasure,
    exports,
    fleet_limits,
    frames,
    grid,
    health,
    inbox,
    invoices,
    ledger,
    local_lists,
    log,
    maintenance,
    payment_reports,
    payments,
    people,
    quarantine,
    ramp,
    receipts,
    registry,
    reservations,
    revenue,
    rollouts,
    settings,
    sites,
    statements,
    stations,
    tariffs,
    templates,
    tokens,
    transactions,
    uploads,
    uptime,
    variables,
    verbs,
)
from wattseal.serve.api.document import DocumentPlugin
from wattseal.serve.api.idempotency import Idempotency
from wattseal.serve.api.methods import Methods
from wattseal.serve.api.parameters import PARAMETERS, parameters_of, refuse_unknown
from wattseal.serve.api.problems import (
    ProblemError,
    WaitsError,
    on_defect,
    on_http_error,
    on_problem,
    on_recursion,
    on_waiting,
    on_wattseal_error,
)
from wattseal.serve.api.service import MAX_BODY_BYTES, Service, admit, provide_principal, provide_service
from wattseal.serve.api.strict import StrictRequest
from wattseal.serve.api.tags import Tags
from wattseal.serve.pay import code_page, pages, trial
from wattseal.serve.web import routes

RESOURCES = (
    *stations.ROUTES,
    *sites.ROUTES,
    *device.ROUTES,
    *maintenance.ROUTES,
    *uploads.ROUTES,
    *variables.ROUTES,
    *certificates.ROUTES,
    *commands.ROUTES,
    *verbs.ROUTES,
    *charging.ROUTES,
    *command_log.ROUTES,
    *grid.ROUTES,
    *frames.ROUTES,
    *tokens.ROUTES,
    *app_codes.ROUTES,
    *api_tokens.ROUTES,
    *people.ROUTES,
    *transactions.ROUTES,
    *reservations.ROUTES,
    *local_lists.ROUTES,
    *tariffs.ROUTES,
    *registry.ROUTES,
    *alarms.ROUTES,
    *templates.ROUTES,
    *rollouts.ROUTES,
    *fleet_limits.ROUTES,
    *ramp.ROUTES,
    *uptime.ROUTES,
    *settings.ROUTES,
    *inbox.ROUTES,
    *disputes.ROUTES,
    *invoices.ROUTES,
    *statements.ROUTES,
    *payments.ROUTES,
    *payment_reports.ROUTES,
    *accounts.ROUTES,
    *aggregates.ROUTES,
    *exports.ROUTES,
    *erasure.ROUTES,
    *quarantine.ROUTES,
    *bills.ROUTES,
    *revenue.ROUTES,
    *ledger.ROUTES,
)
"""What is served below /api/v1 to those who show a token."""


def make_api(service: Service) -> Litestar:
    """Return the ASGI application."""
    methods = Methods()
    app = Litestar(
        [
            *health.ROUTES,
            *alive.ROUTES,
            *uploads.STATION_ROUTES,
            *receipts.ROUTES,
            *app_codes.OPEN_ROUTES,
            *pages.ROUTES,
            *code_page.ROUTES,
            *trial.ROUTES,
            *webhooks.ROUTES,
            routes.pages(),
            Router("/api/v1", route_handlers=RESOURCES, guards=[admit, refuse_unknown], middleware=[Tags, Idempotency]),
            Router("/api/v1", route_handlers=log.ROUTES, middleware=[Tags]),
        ],
        dependencies={
            "principal": Provide(provide_principal),
            "service": Provide(provide_service, sync_to_thread=False),
        },
        state=State({"service": service}),
        exception_handlers={
            ProblemError: on_problem,
            WaitsError: on_waiting,
            WattsealError: on_wattseal_error,
            HTTPException: on_http_error,
            RecursionError: on_recursion,
            Exception: on_defect,
        },
        openapi_config=OpenAPIConfig(
            "wattseal",
            "1",
            path="/api/docs",
            use_handler_docstrings=True,
            render_plugins=[DocumentPlugin()],
            security=[{"bearer": []}],
            components=Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}),
        ),
        before_send=[methods],
        request_class=StrictRequest,
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
    )
    methods.learn(app)
    app.state[PARAMETERS] = parameters_of(app)
    return app
