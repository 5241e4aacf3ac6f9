"""The way to the server below HTTP: name, connection, TLS."""

import asyncio
import os
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Self
from urllib.parse import urlsplit

from headway.client.doctor.findings import Diagnosis, Fault, Finding
from headway.client.proxies import proxy_of, without_password
from headway.errors import InvalidSetting

CONNECT_S = 5.0


@dataclass(frozen=True, slots=True)
class Address:
    """A server's URL, taken apart."""

    url: str
    host: str
    port: int
    path: str
    is_tls: bool

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a URL; without a scheme it is `http`.

        Raises:
            InvalidSetting: It is none.
        """
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            port = parts.port
        except ValueError:
            port, parts = None, parts._replace(netloc="")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidSetting(
                f"{url!r} is no address of a server; write http://host:8321 or https://host/path"
            )
        is_tls = parts.scheme == "https"
        path = parts.path.rstrip("/")
        base = f"{parts.scheme}://{parts.netloc}{path}"
        return cls(base, parts.hostname, port or (443 if is_tls else 80), path, is_tls)

    @property
    def origin(self) -> str:
        """What a browser on this server's page says it is."""
        return self.url.removesuffix(self.path) if self.path else self.url


async def examine_address(address: Address, diagnosis: Diagnosis) -> bool:
    """Name, TCP and TLS, as far as they get; true if all of it works, or is left to the user's proxy."""
    proxy = proxy_of(address.url)
    if proxy is not None:
        told = f"{address.host} is asked for through {without_password(proxy)}, as the environment says"
        diagnosis.add(Finding("proxy", "ok", told))
        return True
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as error:
        diagnosis.add(Finding("name", "fails", f"{address.host}: {error.strerror or error}", Fault.NAME))
        return False
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    diagnosis.add(Finding("name", "ok", f"{address.host} is {', '.join(addresses)}"))
    if not await _connects(address, diagnosis, check="TCP", context=None):
        return False
    if not address.is_tls:
        return True
    return await _connects(address, diagnosis, check="TLS", context=ssl.create_default_context())


async def _connects(
    address: Address, diagnosis: Diagnosis, *, check: str, context: ssl.SSLContext | None
) -> bool:
    began = monotonic()
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    except (OSError, TimeoutError) as error:  # an SSLError is an OSError
        fault = Fault.TCP if context is None else Fault.TLS
        if isinstance(error, ConnectionError) and error.errno is not None:
            reason = os.strerror(error.errno)  # asyncio's own words are the call and the address
        else:
            reason = str(error) or f"no answer within {CONNECT_S:.0f} s"
        diagnosis.add(Finding(check, "fails", f"port {address.port}: {reason}", fault))
        return False
    tls = writer.get_extra_info("ssl_object")
    version = f"{tls.version()}, " if tls is not None else f"port {address.port}, "
    diagnosis.add(Finding(check, "ok", f"{version}{(monotonic() - began) * 1_000:.0f} ms"))
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
