"""Who is signed in, in the header; and the curtain over a page whose session has ended."""

from typing import ClassVar

import param
from panel.custom import JSComponent

from dashboard.components import _FOLDER, _css


class Account(JSComponent):
    """Name and role of the person with a way to sign out; nothing to see where nobody signs in."""

    person = param.String(doc="Name; empty: nobody signs in.")
    role = param.String(doc="Role, in a word.")
    ended = param.String(doc="Why the session has ended; empty as long as it goes on.")

    _esm = _FOLDER / "account.js"
    _stylesheets: ClassVar[list[str]] = _css("account.css")
