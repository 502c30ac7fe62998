"""The database that a server shows: it can be replaced while people look at it, and every session follows."""

import logging
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from core.database import Database, open_database, shown_url
from core.jobs.registry import TASKS
from core.jobs.training_process import TrainingProcess, TrainingState
from core.model_store import ModelStore, open_model_store
from core.sales_data import forget_sales
from core.settings import Settings
from dashboard.security.rate_limits import spend
from dashboard.session import Session
from dashboard.uploads import Uploads

log = logging.getLogger(__name__)

_FOLLOWERS: "weakref.WeakKeyDictionary[Session, _Follower]" = weakref.WeakKeyDictionary()


class CurrentDatabase:
    """What a server shows and where it loads.

    Attributes
    ----------
    database
        The database shown, for reading.
    uploads
        Files on their way into a database.
    training
        The process that trains models on the database shown.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = open_database(settings.resolved_database_url)
        self.uploads = Uploads(settings.data_folder / "uploads", settings.upload_megabytes)
        self._opened: dict[str, Database] = {settings.resolved_database_url: self.database}
        self._started_with = settings.database_url
        self._followers: list[_Listener] = []
        self._watchers: list[_Listener] = []
        self.training = TrainingProcess(settings, self._training_changed)

    @property
    def shows_demo(self) -> bool:
        """Whether the demo company is shown, which is never loaded into."""
        return self.settings.uses_demo

    @property
    def own_url(self) -> str:
        """Where uploads are loaded: the database shown, or beside the demo a database of the user's own."""
        return self.settings.database_url or f"sqlite:///{self.settings.data_folder / 'company.sqlite'}"

    @property
    def started_on_demo(self) -> bool:
        """Whether the server began with the demo, so that it can go back to it."""
        return not self._started_with

    def shown_url(self, url: str = "") -> str:
        """An address as it may be shown, without a password."""
        return shown_url(url or self.settings.resolved_database_url)

    def own_database(self) -> Database | None:
        """The database that uploads are loaded into, for reading; ``None`` as long as it does not exist."""
        if not self.shows_demo:
            return self.database
        if not (self.settings.data_folder / "company.sqlite").is_file():
            return None
        return self._open(self.own_url)

    def switch(self, url: str) -> None:
        """Show another database (empty: the demo) to everybody, until the server is started again.

        Raises
        ------
        DatabaseError
            It cannot be opened; the old one is still shown.
        """
        if not url:
            from core.demo import ensure_demo_database

            ensure_demo_database(self.settings)
        database = self._open(url or f"sqlite:///{self.settings.data_folder / 'demo.sqlite'}")
        self.settings.database_url = url
        self.database = database
        log.info("The server now shows %s.", self.shown_url())
        self.changed()

    def changed(self) -> None:
        """Tell every session that the data are other than they were; may be called from any thread."""
        forget_sales()
        self._followers = _told(self._followers)

    def models(self) -> ModelStore:
        """Where the models of the database shown are kept."""
        return open_model_store(self.settings, self.database)

    def train(self, tasks: Sequence[str] = TASKS, horizon: int = 90) -> None:
        """Begin to train models on the database shown; everybody sees how far it has come.

        Raises
        ------
        BusyError
            Models are being trained already.
        TooOftenError
            Whoever asks has begun too many trainings.
        """
        spend("training")
        self.training.start(tasks, horizon)

    def train_demo(self) -> None:
        """Begin to train the models of the demo that are missing; does nothing on other data."""
        store = self.models()
        missing = [task for task in TASKS if store.active(task) is None]
        if self.shows_demo and self.settings.train_demo and missing and not self.training.state.is_running:
            self.train(missing)

    def on_training(self, document: Any, method: Callable[[], Any]) -> None:
        """Call a bound method on the event loop of a document whenever training gets on."""
        if document is not None:
            self._watchers.append((weakref.ref(document), weakref.WeakMethod(method)))

    def _training_changed(self, state: TrainingState) -> None:
        if not state.is_running:
            self.changed()
        self._watchers = _told(self._watchers)

    def follow(self, session: Session, document: Any) -> None:
        """Let a session show whatever is current from now on."""
        _FOLLOWERS[session] = _Follower(self, session)
        self.on_change(document, _FOLLOWERS[session].reload)

    def on_change(self, document: Any, method: Callable[[], Any]) -> None:
        """Call a bound method on the event loop of a document after every change, as long as both live."""
        if document is not None:
            self._followers.append((weakref.ref(document), weakref.WeakMethod(method)))

    def _open(self, url: str) -> Database:
        """A database that stays open, since a session may be reading from it."""
        if url not in self._opened:
            self._opened[url] = open_database(url)
        return self._opened[url]


_Listener = tuple["weakref.ref[Any]", "weakref.WeakMethod[Callable[[], Any]]"]


def _told(listeners: "list[_Listener]") -> "list[_Listener]":
    """Call every listener on the event loop of its document; those that still live."""
    living = []
    for document, method in listeners:
        callback, target = method(), document()
        if callback is not None and target is not None and target.session_context is not None:
            living.append((document, method))
            target.add_next_tick_callback(callback)
    return living


class _Follower:
    """Keeps one session on the current database."""

    def __init__(self, current: CurrentDatabase, session: Session) -> None:
        self.current = current
        self._session = weakref.ref(session)

    async def reload(self) -> None:
        """Read the data anew; the as-of date and the filters of another company mean nothing here."""
        session = self._session()
        if session is None:
            return
        if session.database is not self.current.database:
            session.param.update(sales=None, problem="")
            session.database = self.current.database
            session.filters.clear()
            if session.as_of is not None:
                session.as_of = None  # whoever watches it reads the data
                return
        await session.load()


def current_database(session: Session) -> CurrentDatabase:
    """What the server of a session shows."""
    return _FOLLOWERS[session].current
