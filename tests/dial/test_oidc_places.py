"""Where a provider's discovery may lead: not inside, unless the provider is inside itself."""

import pytest

from wattseal.dial.oidc import leads_inside, safe

OUTSIDE = "https://login.example"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.0.0.7",
        "192.168.1.1",
        "169.254.169.254",
        "[fe80::1]",
        "0.0.0.0",  # noqa: S104 - told, not bound to
    ],
)
def test_no_number_or_name_of_the_inside_is_told_by_somebody_outside(host: str) -> None:
    for scheme in ("http", "https"):
        assert leads_inside(f"{scheme}://{host}:8080/token", OUTSIDE)
        assert not leads_inside(f"{scheme}://{host}:8080/token", "http://127.0.0.1:9000"), "a provider of one's own"


@pytest.mark.parametrize("url", ["https://oauth2.example/token", "https://1.1.1.1/token", "https://127.0.0.1.example/"])
def test_other_hosts_outside_are_the_provider_s_own_affair(url: str) -> None:
    assert safe(url)
    assert not leads_inside(url, OUTSIDE)
