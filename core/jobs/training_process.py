"""Training beside the server: one process at a time, watched, and stopped with the server."""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from core.errors import SalesError
from core.jobs.registry import TASKS
from core.settings import Settings

log = logging.getLogger(__name__)
_STOP_SECONDS = 10.0

State = Literal["idle", "running", "done", "failed", "cancelled"]


class BusyError(SalesError):
    """Models are being trained already."""


@dataclass(frozen=True)
class TrainingState:
    """How far training has come; ``failed`` says of each task that is not ready why."""

    state: State = "idle"
    tasks: tuple[str, ...] = ()
    what: str = ""
    fraction: float = 0.0
    ready: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    message: str = ""

    @property
    def is_running(self) -> bool:
        """Whether a training process is at work."""
        return self.state == "running"


class TrainingProcess:
    """Runs ``python -m core.jobs`` on the database of the settings and keeps its latest state.

    ``on_change`` is called from a thread of its own whenever the state changes.
    """

    def __init__(self, settings: Settings, on_change: Callable[[TrainingState], None] | None = None) -> None:
        self._settings = settings
        self._on_change = on_change
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._state = TrainingState()
        self._cancelled = False

    @property
    def state(self) -> TrainingState:
        """The latest state."""
        return self._state

    def start(self, tasks: Sequence[str] = TASKS, horizon: int = 90) -> None:
        """Begin to train, score and judge ``tasks``; returns at once.

        Raises
        ------
        BusyError
            Models are being trained already.
        """
        with self._lock:
            if self._process is not None:
                raise BusyError(
                    "Models are being trained already.", "Wait until that has ended, or cancel it."
                )
            command = [
                sys.executable,
                "-m",
                "core.jobs",
                "--tasks",
                ",".join(tasks),
                "--horizon",
                str(horizon),
            ]
            self._cancelled = False
            self._process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=os.environ | self._environment(),
            )
            self._set(TrainingState("running", tuple(tasks), "starting"))
            threading.Thread(target=self._follow, args=(self._process,), daemon=True).start()

    def cancel(self) -> None:
        """Stop; what was stored so far stays. Does nothing when nothing runs."""
        with self._lock:
            process, self._cancelled = self._process, True
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()

    def _environment(self) -> dict[str, str]:
        """What the process must know; the address, which may hold a password, is no argument."""
        settings = self._settings
        found = {
            "SALES_DATABASE_URL": settings.resolved_database_url,
            "SALES_DATA_DIR": str(settings.data_folder),
            "SALES_PAYMENT_TERMS_DAYS": str(settings.payment_terms_days),
            "SALES_MODEL_STORE": settings.model_store,
        }
        # One thread leaves a core to the people who look at pages meanwhile.
        return {name: value for name, value in found.items() if value} | {"OMP_NUM_THREADS": "1"}

    def _follow(self, process: "subprocess.Popen[str]") -> None:
        errors: list[str] = []
        last: dict[str, object] = {}
        with process:  # closes its pipes
            listener = threading.Thread(target=lambda: errors.extend(process.stderr or ()), daemon=True)
            listener.start()
            for line in process.stdout or ():
                last = json.loads(line)
                if "fraction" in last:
                    what, fraction = str(last["what"]), float(str(last["fraction"]))
                    self._set(replace(self._state, what=what, fraction=fraction))
            listener.join()
            status = process.wait()
        with self._lock:
            self._process = None
        self._set(self._ended(status, last, errors))

    def _ended(self, status: int, last: dict[str, object], errors: Sequence[str]) -> TrainingState:
        before = self._state
        if self._cancelled:
            return replace(before, state="cancelled", message="Training was cancelled.")
        if "ready" in last:
            ready, failed = last["ready"], last["failed"]
            assert isinstance(ready, list)
            assert isinstance(failed, dict)
            return replace(before, state="done", fraction=1.0, ready=tuple(ready), failed=failed)
        if "error" in last:
            return replace(before, state="failed", message=str(last["error"]))
        log.error("Training ended with status %s: %s", status, "".join(errors).strip()[-4000:])
        message = "Training ended unexpectedly; the cause is in the server log. Older models are still used."
        return replace(before, state="failed", message=message)

    def _set(self, state: TrainingState) -> None:
        self._state = state
        if self._on_change is not None:
            self._on_change(state)
