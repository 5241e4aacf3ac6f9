"""For each fault, the setting of the usual proxies that mends it."""

from headway.client.doctor.findings import Fault

PROXIES = {"nginx": "nginx", "apache": "Apache", "caddy": "Caddy", "traefik": "Traefik", "awselb": "AWS ALB"}
SERVER = "Headway"  # a setting of the server itself

_NGINX_UPGRADE = (
    'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'
)

FIXES: dict[Fault, dict[str, str]] = {
    Fault.NAME: {"": "mend the host's name in the URL, or its DNS record"},
    Fault.TCP: {
        "": "is the server running (headway serve), on this port, and does a firewall let you through?"
    },
    Fault.TLS: {"": "a certificate for this name that this machine trusts; or http:// where there is no TLS"},
    Fault.NOT_HEADWAY: {"": "give the address that Headway printed at its start, or the proxy's path to it"},
    Fault.PREFIX: {
        SERVER: "HEADWAY_PREFIX has to be the path of this URL, and the proxy has to pass it on unchanged",
        "nginx": "location /PREFIX/ { proxy_pass http://127.0.0.1:8321; }, with nothing behind the port",
        "Apache": "ProxyPass /PREFIX http://127.0.0.1:8321/PREFIX",
        "Caddy": "handle /PREFIX/* in place of handle_path",
        "Traefik": "no stripPrefix middleware",
        "AWS ALB": "no URL rewrite in the rule",
    },
    Fault.HOST: {
        SERVER: "HEADWAY_ALLOWED_HOSTS has to name this host",
        "nginx": "proxy_set_header Host $http_host;",
        "Apache": "ProxyPreserveHost On",
        "Caddy": "no header_up Host",
        "Traefik": "passHostHeader: true",
        "AWS ALB": "routing.http.preserve_host_header.enabled = true",
    },
    Fault.ORIGIN: {
        SERVER: "HEADWAY_ALLOWED_ORIGINS names this origin, or the proxy passes Host on as it came",
        "nginx": "proxy_set_header Host $http_host;",
        "Apache": "ProxyPreserveHost On",
        "Caddy": "no header_up Host or Origin",
        "Traefik": "passHostHeader: true",
        "AWS ALB": "routing.http.preserve_host_header.enabled = true",
    },
    Fault.TOKEN: {"": "--token or HEADWAY_TOKEN, with the server's own"},
    Fault.AUTHORIZATION: {
        "nginx": "no auth_basic, and no proxy_set_header Authorization here",
        "Apache": "no AuthType, and no RequestHeader unset Authorization here",
        "Caddy": "no basic_auth, and no header_up -Authorization here",
        "Traefik": "no basicAuth or forwardAuth middleware here",
        "AWS ALB": "no authenticate action in the rule for /api and /ws",
    },
    Fault.UPGRADE: {
        "nginx": _NGINX_UPGRADE,
        "Apache": "ProxyPass / http://127.0.0.1:8321/ upgrade=websocket (2.4.47 or newer)",
        "Caddy": "reverse_proxy passes upgrades by itself: remove what changes Connection or Upgrade",
        "Traefik": "passes upgrades by itself: no headers middleware may change Connection or Upgrade",
        "AWS ALB": "the target group's protocol version has to be HTTP1",
    },
    Fault.SUBPROTOCOL: {"": "something removes the header Sec-WebSocket-Protocol; it has to pass both ways"},
    Fault.FRAMES: {
        "": "something accepts the WebSocket and holds its frames back, mostly a firewall or scanner that "
        "inspects traffic; TLS (https://) gets past many"
    },
    Fault.TIMEOUT: {
        "nginx": "proxy_read_timeout 75s;",
        "Apache": "ProxyTimeout 75",
        "Caddy": "transport http { read_timeout 75s } and no shorter stream_timeout",
        "Traefik": "the entry point's respondingTimeouts: idleTimeout 180s, readTimeout 0, writeTimeout 0",
        "AWS ALB": "idle_timeout.timeout_seconds = 75",
    },
    Fault.BUFFERING: {
        "nginx": "proxy_buffering off; and no proxy_ignore_headers X-Accel-Buffering",
        "Apache": "ProxyPass / http://127.0.0.1:8321/ flushpackets=on",
        "Caddy": "flush_interval -1",
        "Traefik": "no buffering middleware; responseForwarding.flushInterval: 1ms",
        "AWS ALB": "it does not buffer: look at what stands behind or before it",
    },
    Fault.COMPRESSION: {
        "nginx": "no text/event-stream in gzip_types (nor brotli_types)",
        "Apache": 'SetEnvIf Request_URI "/events$|/beats$" no-gzip=1',
        "Caddy": "encode only with a match that leaves text/event-stream out",
        "Traefik": "compress.excludedContentTypes: text/event-stream",
        "AWS ALB": "it does not compress: look behind it and before it (CloudFront: compress objects: no)",
    },
    Fault.ERRORS: {
        "nginx": "proxy_intercept_errors off;",
        "Apache": "ProxyErrorOverride Off",
        "Caddy": "no handle_response for errors",
        "Traefik": "no errors middleware",
        "AWS ALB": "it passes errors on: look behind it and before it (CloudFront: custom error responses)",
    },
    Fault.CLOCK: {"": "synchronise this machine's clock, or the server's (NTP)"},
}


def proxy_of(server: str, via: str) -> str | None:
    """The proxy's name, as its answers give it away in `Server` and `Via`."""
    told = f"{server} {via}".lower()
    return next((name for sign, name in PROXIES.items() if sign in told), None)


def fixes_for(fault: Fault, proxy: str | None) -> dict[str, str]:
    """Where to mend it, by proxy: of the known one and of the server only, if it is known."""
    fixes = FIXES[fault]
    if proxy is None:
        return fixes
    return {where: fix for where, fix in fixes.items() if where in ("", SERVER, proxy)}
