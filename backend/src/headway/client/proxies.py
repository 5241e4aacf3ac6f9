"""The HTTP proxy that the environment names for an address, as `curl` and browsers take it."""

from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def proxy_of(url: str) -> str | None:
    """What `HTTPS_PROXY`, `HTTP_PROXY` or `ALL_PROXY` say of this URL, unless `NO_PROXY` excepts it.

    Never one for this machine itself; one that speaks SOCKS is passed by.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if _is_loopback(host) or proxy_bypass(host):
        return None
    named = getproxies()
    proxy = named.get(parts.scheme) or named.get("all")
    if proxy is None:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    return proxy if urlsplit(proxy).scheme in ("http", "https") else None


def without_password(proxy: str) -> str:
    """For people to read."""
    parts = urlsplit(proxy)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
