"""``python -m core.jobs``: prepare models in a process of its own and tell of it in lines of JSON.

The server starts it so that training takes neither its memory nor its event loop. Every line on standard
output is a dict: ``{"what": …, "fraction": …}``, at last ``{"ready": [...], "failed": {...}}``.
"""

import argparse
import json
import os
import sys

from core.database import open_database
from core.errors import SalesError
from core.jobs.prepare import PAST_DATES, prepare
from core.jobs.registry import TASKS
from core.model_store import open_model_store
from core.settings import read_settings


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 if every task is ready, 1 if some are not, 2 if nothing could be done."""
    parser = argparse.ArgumentParser(prog="python -m core.jobs")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--horizon", type=int, default=90)
    parser.add_argument("--past", type=int, default=PAST_DATES)
    chosen = parser.parse_args(arguments)

    def tell(**line: object) -> None:
        print(json.dumps(line), flush=True)

    if hasattr(os, "nice"):
        os.nice(10)  # people who look at pages come first
    try:
        settings = read_settings()
        with open_database(settings.resolved_database_url, read_only=False) as database:
            found = prepare(
                database,
                open_model_store(settings, database),
                tasks=[task for task in chosen.tasks.split(",") if task],
                horizon=chosen.horizon,
                terms_days=settings.payment_terms_days,
                currency=settings.currency,
                past=chosen.past,
                progress=lambda what, fraction: tell(what=what, fraction=round(fraction, 4)),
            )
    except SalesError as error:
        tell(error=str(error))
        return 2
    tell(ready=found.ready, failed=found.failed)
    return 1 if found.failed else 0


if __name__ == "__main__":
    sys.exit(main())
