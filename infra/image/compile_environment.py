"""Compile installed packages to bytecode that holds whatever the times of the files are.

Packages to compile may be named; otherwise it is all of them. The image never writes bytecode itself: its
file system may be sealed.
"""

import compileall
import sys
import sysconfig
from pathlib import Path
from py_compile import PycInvalidationMode


def main(names: list[str]) -> int:
    """Exit status 0: what cannot be compiled, such as templates, is compiled when it is imported."""
    packages = Path(sysconfig.get_path("purelib"))
    for folder in [packages / name for name in names] or [packages]:
        compileall.compile_dir(
            folder, quiet=2, workers=0, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH, force=True
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
