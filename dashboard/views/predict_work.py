"""Work of the page that predicts any table: a bounded pool, the acting person's rights, cancelling."""

import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import panel as pn
import polars as pl

from core.errors import SalesError
from core.jobs.tabular import TabularWork, Trained
from dashboard.sql_page.running import Background, Cancellable

TRAININGS = ThreadPoolExecutor(2, thread_name_prefix="predict")


class Running(Cancellable):
    """One piece of work under way; a server that ends cancels it."""

    def __init__(self) -> None:
        super().__init__()
        self.work = TabularWork()
        self.event = self.work.stopped

    def cancel(self) -> bool:
        self.work.cancel()
        return super().cancel()


class Bench:
    """Runs one piece of work at a time for one session."""

    def __init__(self) -> None:
        document = pn.state.curdoc
        self._background = Background(document)
        self.running: Running | None = None
        if document is not None:
            pn.state.on_session_destroyed(lambda _context: self.drop())

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return self.running is not None

    def start(
        self,
        work: Callable[[Running], Any],
        done: Callable[[Any], None],
        failed: Callable[[SalesError], None],
    ) -> Running:
        """Run ``work`` off the event loop; then ``done`` with its result or ``failed`` with its error."""
        running = self.running = Running()
        context = contextvars.copy_context()

        def finished(outcome: Any) -> None:
            if self.running is not running:
                return
            self.running = None
            if isinstance(outcome, SalesError):
                failed(outcome)
            else:
                done(outcome)

        running.future = self._background.start(TRAININGS, lambda: context.run(work, running), finished)
        return running

    def tell(self, running: Running, callback: Callable[[], None]) -> None:
        """Call back on the event loop if the work is still wanted; from any thread."""
        self._background.tell(lambda: callback() if self.running is running else None)

    def cancel(self) -> bool:
        """Stop what is under way; True if it had not begun, so that nobody will report its end."""
        if self.running is None:
            return False
        unbegun = self.running.cancel()
        if unbegun:
            self.running = None
        return unbegun

    def drop(self) -> None:
        """Stop what is under way; its outcome is no longer wanted."""
        if self.running is not None:
            running, self.running = self.running, None
            running.cancel()


def scores_of(trained: Trained, frame: pl.DataFrame) -> pl.DataFrame:
    """``score``, ``low`` and ``high`` of every row; makes the model ready to answer at once."""
    trained.model.explain(frame.head(1))
    return trained.model.score(frame)
