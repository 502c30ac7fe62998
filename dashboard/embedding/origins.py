"""The sites that may show views, as browsers name them."""

import ipaddress
import re
from urllib.parse import urlsplit

from core.errors import SettingsError
from core.settings import Settings

EVERYWHERE = "*"
_SITE = re.compile(r"([Hh][Tt][Tt][Pp][Ss]?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_USUAL = {"http": 80, "https": 443}


def embedding_sites(settings: Settings) -> tuple[str, ...]:
    """The origins of ``SALES_EMBED_ORIGINS`` as browsers write them; ``("*",)`` for every site.

    Raises
    ------
    SettingsError
        One is not an origin: scheme, host and port alone.
    """
    if EVERYWHERE in settings.embed_origins:
        return (EVERYWHERE,)
    return tuple(dict.fromkeys(_origin(text) for text in settings.embed_origins))


def _origin(text: str) -> str:
    found = _SITE.fullmatch(text)
    host = found[2].lower() if found else ""
    port = int(found[3] or 0) if found else 0
    if found is None or not _is_host(host) or port > 65535 or (found[3] and not port):
        remedy = "Write for example https://intranet.example, several separated by commas."
        if _is_longer(text):
            remedy = "Leave out what follows the host, the / too."
        raise SettingsError(f"SALES_EMBED_ORIGINS names {text!r}, which is no site.", remedy)
    scheme = found[1].lower()
    return f"{scheme}://{host}" + (f":{port}" if port and port != _USUAL[scheme] else "")


def _is_host(host: str) -> bool:
    if host.startswith("["):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            return False
        return True
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in host.split("."))


def _is_longer(text: str) -> bool:
    """Whether it begins with a site and goes on with a path."""
    found = _SITE.match(text)
    return found is not None and text[found.end() : found.end() + 1] == "/" and not urlsplit(text).username
