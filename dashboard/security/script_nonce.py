"""The nonce that lets the scripts of the page's own templates run, and no others.

It is put in where a template is read, not into the finished page: whatever a page is filled with, such as a
title or a text of the data, has none, also if it were a script.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from jinja2 import Environment, Template
from jinja2.ext import Extension

_INLINE = re.compile(r"<script(?![^>]*\ssrc=)(?=[\s>{])")
"""Scripts within the page; those of files are allowed by where they come from."""
_NONCE: ContextVar[str] = ContextVar("script_nonce", default="")


@contextmanager
def nonce_of_scripts(nonce: str) -> Iterator[None]:
    """Let the templates rendered within a ``with`` block give their scripts this nonce."""
    token = _NONCE.set(nonce)
    try:
        yield
    finally:
        _NONCE.reset(token)


def mark_scripts() -> None:
    """Let the templates of Panel and Bokeh, of which pages are made, give a nonce to their own scripts."""
    from bokeh.core import templates as bokeh_templates
    from panel.io import resources as panel_resources

    _mark(bokeh_templates.get_env(), [bokeh_templates.SCRIPT_TAG])
    _mark(panel_resources._env, [panel_resources.BASE_TEMPLATE, panel_resources.JS_RESOURCES])


class _Marked(Extension):
    """Changes the source of templates before they are compiled."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        """The source with a nonce at each of its scripts."""
        return _INLINE.sub("<script{{ script_nonce() }}", source)


def _mark(environment: Environment, made: list[Template]) -> None:
    """Mark what ``environment`` reads from now on, and the templates that it has made already."""
    if _Marked.identifier in environment.extensions:
        return
    environment.globals["script_nonce"] = _attribute
    environment.add_extension(_Marked)
    if environment.cache is not None:
        environment.cache.clear()
    for template in made:  # others hold on to these objects
        marked = environment.get_template(str(template.name))
        template.root_render_func, template.blocks = marked.root_render_func, marked.blocks


def _attribute() -> str:
    nonce = _NONCE.get()
    return f' nonce="{nonce}"' if nonce else ""
