"""Models of customers, sales and credit: frames in, frames out, no database."""

from core.models.model import Model, Parts

__all__ = ["Model", "Parts"]
