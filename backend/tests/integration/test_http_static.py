"""The front end as the server gives it out."""

from pathlib import Path

import httpx
import pytest
from tests.support.http import client, problem
from tests.support.server import serving


@pytest.fixture(name="built")
def _built(tmp_path: Path) -> Path:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text(
        '<!doctype html><head><base href="/"><meta name="csp-nonce" content="">'
        '<script type="module" src="./assets/index-4f2a.js"></script></head>'
    )
    (static / "assets" / "index-4f2a.js").write_text("console.log(1)")
    (static / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    return static


def test_the_prefix_alone_leads_to_the_page(built: Path) -> None:
    """It is the address that `headway serve` prints and opens."""
    with serving(static_dir=built, prefix="/headway") as server:
        answer = httpx.get(server.url, follow_redirects=True, trust_env=False)
    assert (answer.status_code, answer.url.path) == (200, "/headway/")


@pytest.mark.parametrize("prefix", ["", "/headway"])
@pytest.mark.parametrize("path", ["/", "/executions/7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "/workflows/audit"])
def test_every_other_path_is_the_page(built: Path, prefix: str, path: str) -> None:
    """Deep links work; the page knows its prefix and the nonce of its policy."""
    with serving(static_dir=built, prefix=prefix) as server, client(server) as http:
        first, second = http.get(path), http.get(path)

    policy = first.headers["content-security-policy"]
    nonce = first.text.partition('csp-nonce" content="')[2].partition('"')[0]
    assert f'<base href="{prefix}/">' in first.text
    assert len(nonce) >= 16
    assert f"'nonce-{nonce}'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert nonce not in second.text
    assert first.headers["cache-control"] == "no-cache"


def test_assets_are_immutable_and_missing_ones_404(built: Path) -> None:
    """A page of an older version must notice that its parts are gone, not get HTML for a script."""
    with serving(static_dir=built) as server, client(server) as http:
        asset = http.get("/assets/index-4f2a.js")
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert asset.headers["content-type"].startswith("text/javascript")
        assert problem(http.get("/assets/index-0000.js")) == (404, "not_found")
        assert http.get("/favicon.svg").text == "<svg/>"


@pytest.mark.parametrize("path", ["/assets/../../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt"])
def test_nothing_outside_the_folder_is_served(built: Path, path: str) -> None:
    with serving(static_dir=built) as server, client(server) as http:
        assert "secret" not in http.get(path).text


def test_without_a_front_end_the_page_says_how_to_build_it(http: httpx.Client) -> None:
    answer = http.get("/")

    assert answer.status_code == 200
    assert "make setup" in answer.text
