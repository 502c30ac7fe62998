"""The few pages that are plain HTML: signing in, refusals, failures. No script, no request for anything."""

from html import escape

_STYLE = """
:root{color-scheme:light dark;--ink:#1c2733;--quiet:#566170;--paper:#f4f6f8;--card:#fff;--line:#d5dbe2;
--accent:#1f5fa8;--on:#fff;--bad:#a3262a}
@media(prefers-color-scheme:dark){:root{--ink:#e6ebf0;--quiet:#a3afbd;--paper:#11161c;--card:#1a2129;
--line:#333e4a;--accent:#7db4f0;--on:#0d1218;--bad:#ff9d97}}
*{box-sizing:border-box}
body{font:16px/1.5 Roboto,system-ui,sans-serif;margin:0;color:var(--ink);background:var(--paper);
display:grid;place-items:center;min-height:100vh;padding:16px}
main{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:32px;width:100%;
max-width:420px}
h1{font-size:22px;line-height:1.3;margin:0 0 8px}
p{margin:0 0 16px;color:var(--quiet);overflow-wrap:anywhere}
p.bad{color:var(--bad)}
label{display:block;font-size:14px;margin:0 0 16px}
input{display:block;width:100%;font:inherit;color:inherit;background:var(--paper);margin-top:4px;
border:1px solid var(--line);border-radius:8px;padding:10px 12px}
input:focus-visible,button:focus-visible,a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
button,a.button{display:block;width:100%;font:inherit;font-weight:500;text-align:center;text-decoration:none;
color:var(--on);background:var(--accent);border:0;border-radius:8px;padding:11px 16px;cursor:pointer}
small{color:var(--quiet)}
"""


def page(title: str, body: str) -> str:
    """A whole page; ``body`` is HTML, ``title`` text."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} - Sales dashboard</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )


def message_page(
    title: str, text: str, *, remedy: str = "", link: tuple[str, str] | None = None, reference: str = ""
) -> str:
    """A page that says something; ``link`` is (address, text)."""
    parts = [f"<p>{escape(text)}</p>"]
    if remedy:
        parts.append(f"<p>{escape(remedy)}</p>")
    if link is not None:
        parts.append(f'<a class="button" href="{escape(link[0])}">{escape(link[1])}</a>')
    if reference:
        parts.append(f"<p></p><small>Reference {escape(reference)}</small>")
    return page(title, "".join(parts))


def password_page(*, problem: str, form: str, back: str, name: str = "") -> str:
    """The form for name and password."""
    focus = ("", " autofocus") if name else (" autofocus", "")
    return page(
        "Sign in",
        "<p>Sales dashboard</p>"
        + (f'<p class="bad" role="alert">{escape(problem)}</p>' if problem else "")
        + '<form method="post" action="/sign-in">'
        f'<input type="hidden" name="form" value="{escape(form)}">'
        f'<input type="hidden" name="back" value="{escape(back)}">'
        f'<label>Name<input name="name" autocomplete="username" required maxlength="100" '
        f'value="{escape(name)}"{focus[0]}></label>'
        '<label>Password<input name="password" type="password" autocomplete="current-password" required '
        f'maxlength="1000"{focus[1]}></label>'
        "<button>Sign in</button></form>",
    )
