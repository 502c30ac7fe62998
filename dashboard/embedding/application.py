"""Embedding as a part of the application."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from core.settings import Settings
from dashboard.current_database import CurrentDatabase
from dashboard.embedding.gate import EmbedGate, frame_ancestors
from dashboard.embedding.page import embedded_page


def add_embedding(app: FastAPI, current: CurrentDatabase, settings: Settings) -> dict[str, Callable[[], Any]]:
    """Let ``app`` answer at /embed; returns the pages to serve beside the dashboard's own.

    Raises
    ------
    SettingsError
        The settings of embedding cannot be used.
    """
    frame_ancestors(settings)  # middleware is made with the first request: fail now
    app.add_middleware(EmbedGate, settings=settings)

    def page() -> Any:  # Panel calls functions only
        return embedded_page(current, settings)

    return {"/embed/{view}": page}
