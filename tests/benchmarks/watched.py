"""Our server with a window: on SIGUSR1 it collects garbage and prints how many sessions of ours are alive.

What it counts are ``Shell`` objects: a document that is over is emptied, what belongs to it must go as well.
Nothing else differs from ``sales-dashboard serve``.
"""

import gc
import signal
from types import FrameType

from core.settings import read_settings
from dashboard.server import serve


def _count(_signal: int, _frame: FrameType | None) -> None:
    gc.unfreeze()
    gc.collect()
    gc.collect()
    print(sum(type(thing).__name__ == "Shell" for thing in gc.get_objects()), flush=True)
    gc.freeze()


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _count)
    serve(read_settings())
