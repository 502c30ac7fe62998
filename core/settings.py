"""Settings from the environment or a ``.env`` file, all with the prefix ``SALES_``."""

import os
from collections.abc import Mapping
from pathlib import Path

import param

from core.errors import SettingsError

PREFIX = "SALES_"
_SECRETS = {"secret_key", "oauth_client_secret", "database_password", "metrics_token", "embed_key"}
"""Settings that are never shown and may be given as files, ``SALES_SECRET_KEY_FILE`` and so on."""
_YES_OR_NO = dict.fromkeys(("yes", "true", "on", "1"), True) | dict.fromkeys(
    ("no", "false", "off", "0"), False
)


def default_data_folder() -> Path:
    """The user's data folder for this product (``$XDG_DATA_HOME`` or ``~/.local/share``)."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "sales-dashboard"


class Settings(param.Parameterized):
    """What an operator may set. Every parameter ``name`` is read from ``SALES_NAME``."""

    database_url = param.String(default="", doc="Database address; empty: the embedded demo in data_dir.")
    database_password = param.String(
        default="", doc="Password for an address of a database server that names a user but no password."
    )
    data_dir = param.Path(default=None, check_exists=False, doc="Folder for embedded databases and caches.")
    host = param.String(default="127.0.0.1", doc="Address the server listens on.")
    port = param.Integer(
        default=5006, bounds=(0, 65535), doc="Port the server listens on; 0 picks a free one."
    )
    currency = param.String(
        default="USD", regex=r"^[A-Z]{3}$", doc="ISO 4217 code of every amount, such as USD."
    )
    payment_terms_days = param.Integer(default=30, bounds=(0, 365), doc="Days from invoice to due date.")
    log_level: param.Selector = param.Selector(
        default="INFO", objects=["DEBUG", "INFO", "WARNING", "ERROR"], doc="Log detail."
    )
    log_format: param.Selector = param.Selector(
        default="text", objects=["text", "json"], doc="Log lines for people (text) or for a log store (json)."
    )
    metrics_token = param.String(
        default="", doc="Secret that a collector of /metrics must send; empty: only this machine may ask."
    )
    model_store = param.String(
        default="", doc="Folder for trained models; empty: in the database, or beside a DuckDB file."
    )
    train_demo = param.Boolean(
        default=True, doc="Whether a server on the demo trains its models at the first start: yes or no."
    )
    upload_megabytes = param.Integer(
        default=500, bounds=(1, None), doc="Largest file that can be uploaded, in megabytes."
    )
    allowed_origins = param.List(
        default=[], item_type=str, doc="Further hosts that the dashboard is served as, such as pc7:5006."
    )
    embed: param.Selector = param.Selector(
        default="auto",
        objects=["auto", "off", "open", "signed"],
        doc="Views in other sites: off, open to everybody, signed (with a token), or auto: open on this "
        "computer without sign-in, else signed.",
    )
    embed_origins = param.List(
        default=[],
        item_type=str,
        doc="Sites that may embed views, such as https://intranet.example; * for all.",
    )
    embed_key = param.String(
        default="",
        regex=r"^(.{32,})?$",
        doc="Secret of at least 32 characters that signs embed tokens; empty: one is kept in data_dir.",
    )

    sign_in: param.Selector = param.Selector(
        default="none", objects=["none", "basic", "oauth", "proxy"], doc="none, basic, oauth or proxy."
    )
    allow_anonymous = param.Boolean(
        default=False, doc="Whether people of other machines may come without signing in: yes or no."
    )
    users_file = param.String(default="", doc="File of users (basic); empty: users.txt in data_dir.")
    secret_key = param.String(default="", doc="Secret of 32 or more characters that signs sessions.")
    public_url = param.String(
        default="", regex=r"^$|^https?://[^/\s]+$", doc="Address people use, such as https://sales.example."
    )
    trusted_proxies = param.List(
        default=[], item_type=str, doc="Addresses or networks of proxies in front, such as 10.0.0.0/8."
    )
    oauth_issuer = param.String(default="", doc="Address of the OpenID Connect provider.")
    oauth_client_id = param.String(default="", doc="Id under which the provider knows the dashboard.")
    oauth_client_secret = param.String(default="", doc="Secret for the provider; empty: public client.")
    oauth_role_claim = param.String(default="roles", doc="Claim that holds a person's roles or groups.")
    role_names = param.List(
        default=[], item_type=str, doc="Values of the claim and their roles, such as Sales.Admin=admin."
    )
    default_role = param.String(
        default="", regex=r"^(|viewer|analyst|admin)$", doc="Role of those without one; empty: refused."
    )
    rate_limits = param.List(
        default=[], item_type=str, doc="Most of an action a minute and person, such as query=60,export=30."
    )
    copy_targets = param.List(
        default=[],
        item_type=str,
        doc="Where the Data page may copy to: folders, hosts (*.example, host:port) or addresses of servers; "
        "* for everywhere; empty: everywhere on this computer without sign-in, else the data folder and the "
        "server of SALES_DATABASE_URL.",
    )
    max_sessions = param.Integer(default=200, bounds=(1, None), doc="Most pages open at the same time.")
    max_embeds = param.Integer(
        default=0,
        bounds=(0, None),
        doc="Most of them that may be views in other sites; 0: half of SALES_MAX_SESSIONS.",
    )
    session_hours = param.Number(default=12, bounds=(0.001, 720), doc="Hours until a session ends.")
    role_hours = param.Number(
        default=4,
        bounds=(0.001, 720),
        doc="Hours until a provider or proxy is asked anew for the role of a person.",
    )
    idle_minutes = param.Number(
        default=120, bounds=(0.01, None), doc="Minutes without use until a session ends."
    )

    def __repr__(self) -> str:
        """Without values, since some are secrets."""
        return "Settings(…)"

    @property
    def data_folder(self) -> Path:
        """``data_dir`` or the user's default data folder."""
        return Path(self.data_dir) if self.data_dir else default_data_folder()

    @property
    def uses_demo(self) -> bool:
        """Whether the embedded demo database is used because no address was given."""
        return not self.database_url

    @property
    def resolved_database_url(self) -> str:
        """The address to open: ``database_url`` or that of the embedded demo database."""
        return self.database_url or f"sqlite:///{self.data_folder / 'demo.sqlite'}"


def _parsed(parameter: param.Parameter, text: str) -> object:
    if isinstance(parameter, param.Integer):
        return int(text)
    if type(parameter) is param.Number:
        return float(text)
    if isinstance(parameter, param.Boolean):
        return _YES_OR_NO[text.strip().lower()]
    if isinstance(parameter, param.List):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _secret_in_file(path: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(
            f"The secret in {path} cannot be read ({error.strerror}).", "Check the path and who may read it."
        ) from None


def read_settings(environ: Mapping[str, str] | None = None, env_file: Path | None = None) -> Settings:
    """Settings from ``environ`` (default: the process environment) over those of ``env_file`` (``.env``).

    Raises
    ------
    SettingsError
        A value cannot be used; names the variable, the value and what is accepted. Database addresses and
        secrets are not repeated.
    """
    from dotenv import dotenv_values

    file = Path(".env") if env_file is None else env_file
    values = {k: v for k, v in dotenv_values(file).items() if v is not None} if file.is_file() else {}
    values |= dict(os.environ if environ is None else environ)
    chosen: dict[str, object] = {}
    for name, parameter in Settings.param.objects("existing").items():
        text = values.get(PREFIX + name.upper(), "")
        if name in _SECRETS and not text:
            text = _secret_in_file(values.get(f"{PREFIX}{name.upper()}_FILE", ""))
        if name == "name" or not text:
            continue
        try:
            value = _parsed(parameter, text)
            Settings(**{name: value})
        except (ValueError, KeyError):
            shown = "" if name == "database_url" or name in _SECRETS else f" = {text!r}"
            raise SettingsError(
                f"The setting {PREFIX}{name.upper()}{shown} cannot be used.",
                f"Expected: {parameter.doc}",
            ) from None
        chosen[name] = value
    return Settings(**chosen)
