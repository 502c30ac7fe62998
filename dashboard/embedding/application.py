"""Embedding as a part of the application."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from core.settings import Settings
from dashboard.current_database import CurrentDatabase
from dashboard.embedding.gate import EmbedGate, frame_ancestors
from dashboard.embedding.page import embedded_page


def embedded_pages(current: CurrentDatabase, settings: Settings) -> dict[str, Callable[[], Any]]:
    """The pages of embedded views, to be served beside the dashboard's own, behind ``add_embed_gate``.

    Raises
    ------
    SettingsError
        The settings of embedding cannot be used.
    """
    frame_ancestors(settings)  # middleware is made with the first request: fail now

    def page() -> Any:  # Panel calls functions only
        return embedded_page(current, settings)

    return {"/embed/{view}": page}


def add_embed_gate(app: FastAPI, settings: Settings, session_count: Callable[[], int]) -> None:
    """Check what comes to /embed before the pages do: to be called after they were added to ``app``."""
    app.add_middleware(EmbedGate, settings=settings, session_count=session_count)
