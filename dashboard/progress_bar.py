"""How far a command has come."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[str, float], None]]:
    """A progress bar on standard error if that is a terminal; else silence."""
    if not sys.stderr.isatty():
        yield lambda _what, _fraction: None
        return
    from tqdm import tqdm

    layout = "{desc} {percentage:3.0f}% |{bar}| {postfix} {elapsed}"
    with tqdm(total=1.0, desc=title, bar_format=layout, leave=False, file=sys.stderr) as bar:

        def tell(what: str, fraction: float) -> None:
            bar.set_postfix_str(what, refresh=False)
            bar.update(max(0.0, fraction - bar.n))

        yield tell
