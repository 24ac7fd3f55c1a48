"""Looking at pages without a browser: what would run is found, and whether the policy lets it."""

from wattseal.lab.means.looking import allows_inline, would_run


def test_a_handler_a_script_and_an_address_that_run_are_found() -> None:
    text = "<p>pwned</p><img src=x onerror=alert('pwned')><script>alert('pwned')</script><a href=' javascript:pwned'>"
    assert would_run(text) == ["img onerror", "script", "a href"]


def test_escaped_markup_and_scripts_of_our_own_run_nothing_of_the_attackers() -> None:
    assert would_run("<td>&lt;img src=x onerror=alert('pwned')&gt;</td><script src=/a.js></script>") == []


def test_only_a_policy_without_inline_scripts_forbids_them() -> None:
    name = "Content-Security-Policy"
    assert not allows_inline({name: "default-src 'none'; script-src 'self'"})
    assert not allows_inline({name.lower(): "default-src 'self'"})
    assert allows_inline({name: "script-src 'self' 'unsafe-inline'"})
    assert allows_inline({name: "img-src 'self'"})
    assert allows_inline({})
