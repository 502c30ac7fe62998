"""Leave out of an environment what a running dashboard never reads: tests, headers, parts of other platforms.

What is left out is listed here, by package, so that a surprise can be found quickly. Licences stay. Libraries
lose the names of their inner functions, which only debuggers read.
"""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

TEST_FOLDERS = ("tests", "test")
UNUSED = (
    # sources for compiling against a package
    "numpy/_core/include", "pyarrow/include", "pyarrow/src", "pyarrow/includes", "pyarrow/*.pyx",
    "pyarrow/*.pxi", "pyarrow/*.pxd", "pyarrow/lib_api.h", "xgboost/src", "psutil/*.c",
    # services that the dashboard does not use: Arrow Flight, Amazon S3
    "pyarrow/libarrow_flight*", "pyarrow/libarrow_python_flight*", "pyarrow/_flight*",
    "pyarrow/libarrow_s3*", "pyarrow/_s3fs*",
    # scripts for debugging in a browser, and libraries of widgets that no page has
    "panel/dist/*.map", "panel/dist/panel.js", "panel/dist/panel.json", "panel/dist/dts",
    "panel/dist/bundled/abstractvtkplot", "panel/dist/bundled/deckglplot", "panel/dist/bundled/plotlyplot",
    "panel/dist/bundled/perspective", "panel/dist/bundled/reveal.js@*", "panel/dist/bundled/vegaplot",
    "panel/dist/bundled/echarts", "panel/dist/bundled/jsoneditor", "panel/dist/bundled/terminal",
    "panel/dist/bundled/babel-standalone@*", "panel/dist/bundled/golden-layout@*",
    "panel/dist/bundled/aceplot", "panel/dist/bundled/font-awesome", "panel/dist/bundled/bootstrap4",
    "panel/dist/bundled/bootstrap5", "panel/dist/bundled/material-components-web@*",
    "panel/dist/bundled/floatpanel", "panel/dist/bundled/quillinput", "panel/dist/bundled/muuri@*",
    "bokeh/server/static/**/*.map", "bokeh/server/static/js/lib", "bokeh/server/static/lib",
    "panel_material_ui/**/*.map",
    # copying rows into SQL Server without ODBC, which the dashboard does not do
    "mssql_py_core",
    # translations of country names, data sets for trying, notebooks
    "pycountry/locales", "statsmodels/datasets", "sklearn/datasets/data", "sklearn/datasets/images",
    "bokeh/sampledata/_data", "holoviews/examples", "panel/examples", "hvplot/examples",
    "../../../share/jupyter", "../../../share/man", "../../../etc/jupyter", "../../../include",
    # Spark itself, of which the client alone is needed: servers run elsewhere
    "pyspark/jars", "pyspark/bin", "pyspark/sbin", "pyspark/licenses", "pyspark/data", "pyspark/examples",
    "pyspark/python/lib", "../../../bin/*spark*", "../../../bin/beeline*", "../../../bin/run-example*",
    "../../../bin/docker-image-tool.sh", "../../../bin/*.cmd",
    # drivers for other distributions and versions of Python
    "mssql_python_odbc/libs/linux/rhel", "mssql_python_odbc/libs/linux/suse",
    "mssql_python_odbc/libs/linux/alpine", "mssql_python_odbc/libs/macos", "mssql_python_odbc/libs/windows",
)  # fmt: skip


def trim(packages: Path) -> int:
    """Remove what is not needed below ``packages`` (a ``site-packages``); returns the bytes freed."""
    found = {folder for name in TEST_FOLDERS for folder in packages.rglob(name) if folder.is_dir()}
    found |= {path for pattern in UNUSED for path in packages.glob(pattern)}
    version = f"cp{sys.version_info.major}{sys.version_info.minor}"
    found |= {path for path in packages.glob("mssql_python/ddbc_bindings.cp*") if version not in path.name}
    freed = 0
    for path in sorted(found):
        if path.is_dir():
            freed += sum(file.lstat().st_size for file in path.rglob("*") if file.is_file())
            shutil.rmtree(path)
        elif path.exists():
            freed += path.lstat().st_size
            path.unlink()
    return freed


def strip(packages: Path) -> int:
    """Take the names of inner functions out of libraries; returns the bytes freed.

    Not those patched to stand beside a package (``*.libs``), nor Microsoft's, which stay as they came.
    """
    libraries = [
        file
        for file in packages.rglob("*.so*")
        if file.is_file() and not file.is_symlink() and not _as_it_came(file.relative_to(packages))
    ]
    before = sum(file.stat().st_size for file in libraries)
    subprocess.run(["strip", "--strip-unneeded", *map(str, libraries)], check=True)
    return before - sum(file.stat().st_size for file in libraries)


def _as_it_came(file: Path) -> bool:
    return file.parts[0].endswith(".libs") or file.parts[0].startswith("mssql")


if __name__ == "__main__":
    environment = Path(sysconfig.get_path("purelib"))
    print(f"Left out: {trim(environment) / 1e6:.0f} MB, {strip(environment) / 1e6:.0f} MB", flush=True)
