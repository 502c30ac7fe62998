"""What must be true of the settings before the port is opened; imports nothing heavy."""

from core.copy_targets import copy_targets
from core.errors import SettingsError
from core.settings import Settings
from dashboard.embedding.origins import embedding_sites
from dashboard.security.hosts import host_name, is_loopback
from dashboard.security.requests import Proxies


def check_settings(settings: Settings) -> None:
    """Refuse settings that would let strangers in or nobody; cheap, done before the port opens.

    Raises
    ------
    SettingsError
        Says what to set.
    """
    if settings.sign_in == "none" and not is_loopback(settings.host) and not settings.allow_anonymous:
        raise SettingsError(
            f"Listening on {settings.host} would let everybody in who reaches this machine.",
            "Set SALES_SIGN_IN to basic, oauth or proxy; or SALES_ALLOW_ANONYMOUS=yes if that is meant.",
        )
    if settings.sign_in == "oauth" and not (settings.oauth_issuer and settings.oauth_client_id):
        raise SettingsError(
            "SALES_SIGN_IN=oauth lacks its provider.", "Set SALES_OAUTH_ISSUER and SALES_OAUTH_CLIENT_ID."
        )
    if settings.sign_in == "proxy" and not settings.trusted_proxies:
        raise SettingsError(
            "SALES_SIGN_IN=proxy lacks the proxy that is believed.",
            "Set SALES_TRUSTED_PROXIES to its addresses or networks.",
        )
    Proxies(settings.trusted_proxies)
    embedding_sites(settings)
    if settings.copy_targets:
        copy_targets(settings)
    for host in settings.allowed_origins:
        if host != "*" and not host_name(host):
            raise SettingsError(
                f"SALES_ALLOWED_ORIGINS names {host!r}, which is no host.",
                "Write hosts such as sales.example or pc7:5006, without https:// before them.",
            )
