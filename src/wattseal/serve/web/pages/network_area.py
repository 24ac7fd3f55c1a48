"""The pages about stations and what runs them."""

from wattseal.serve.web.pages import (
    alarms,
    backups,
    log,
    network,
    settings,
    station,
    station_commands,
    station_frames,
    station_more,
    welcome,
    works,
)

ROUTES = (
    *network.ROUTES,
    *station.ROUTES,
    *station_commands.ROUTES,
    *station_frames.ROUTES,
    *station_more.ROUTES,
    *alarms.ROUTES,
    *works.ROUTES,
    *log.ROUTES,
    *welcome.ROUTES,
    *backups.ROUTES,
    *settings.ROUTES,
)
