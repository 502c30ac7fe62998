"""Make the base image ready: the standard library as bytecode, no package installer left to run."""

import compileall
import re
import shutil
import sysconfig
from pathlib import Path

LEFT_OUT = re.compile(r"/(test|tests|idlelib|lib2to3|ensurepip|turtledemo|site-packages|dist-packages)/")
OWN_PYTHON = Path("/usr/local")
"""Where images of Python keep it; what a distribution installed is left to its package manager."""


def main() -> None:
    """Remove pip and ensurepip where the image brought them, then compile what has no bytecode yet."""
    library = Path(sysconfig.get_path("stdlib"))
    if library.is_relative_to(OWN_PYTHON):
        packages = Path(sysconfig.get_path("purelib"))
        for found in [library / "ensurepip", library / "idlelib", *packages.glob("pip*")]:
            shutil.rmtree(found, ignore_errors=True)
        for command in (OWN_PYTHON / "bin").glob("pip*"):
            command.unlink()
    compileall.compile_dir(library, quiet=2, rx=LEFT_OUT, workers=0)


if __name__ == "__main__":
    main()
