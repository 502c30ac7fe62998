"""Command line of the benchmarks."""

import argparse
import importlib
import sys
import time
from pathlib import Path

from tests.benchmarks.report import Row, print_table, progress, write_json

PARTS = ("click", "sessions", "page", "ingest", "start", "heavy_query", "features")
MORE = ("copy", "load", "oracle", "public_churn", "public_credit")  # measured only when named: they take long


def main() -> int:
    """Measure the chosen parts, print the table, write JSON if asked; 1 if a part could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"{', '.join(PARTS)}; all of these by default; {', '.join(MORE)}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - {*PARTS, *MORE}
    if unknown:
        parser.error(f"unknown part {', '.join(sorted(unknown))}; there are {', '.join((*PARTS, *MORE))}")
    rows: list[Row] = []
    failed = False
    for part in arguments.parts or PARTS:
        start = time.perf_counter()
        try:
            for row in importlib.import_module(f"tests.benchmarks.{part}").measure():
                rows.append(row)  # one by one: what was measured before an error is kept
        except KeyboardInterrupt:
            failed = True
            break
        except Exception as error:
            failed = True
            rows.append(Row(part, "not measured", None, "", note=f"{type(error).__name__}: {error}"[:160]))
        progress(f"{part} took {time.perf_counter() - start:.0f} s")
    print_table(rows)
    if arguments.json is not None:
        write_json(rows, arguments.json)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
