"""Files for the tests of ingestion that no installed library writes: Excel workbooks made by hand."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_DAY, _MOMENT = 1, 2  # the cell formats below

Rows = Sequence[Sequence[object]]


def write_workbook(
    path: Path, sheets: Mapping[str, Rows], *, hidden: Sequence[str] = (), merged: str = ""
) -> None:
    """Write sheets of rows, each beginning in cell A1; ``None`` leaves a cell out, an empty row a row."""
    names = {name: number for number, name in enumerate(sheets, start=1)}
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="r{n}"'
        f"{" state='hidden'" if name in hidden else ''}/>"
        for name, n in names.items()
    )
    parts = "".join(
        f'<Relationship Id="r{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in names.values()
    )
    types = (
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    )
    types += '<Default Extension="xml" ContentType="application/xml"/>'
    formats = '<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/>'
    files = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">{types}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{parts}<Relationship '
        f'Id="s" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><cellXfs count="3">{formats}</cellXfs></styleSheet>',
    }
    for name, n in names.items():
        rows = "".join(_row(number, cells) for number, cells in enumerate(sheets[name], start=1))
        merge = f'<mergeCells><mergeCell ref="{merged}"/></mergeCells>' if merged else ""
        sheet = f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData>{merge}</worksheet>'
        files[f"xl/worksheets/sheet{n}.xml"] = sheet
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')


def _row(number: int, cells: Sequence[object]) -> str:
    inner = "".join(_cell(f"{chr(65 + n)}{number}", value) for n, value in enumerate(cells))
    return f'<row r="{number}">{inner}</row>' if inner else ""


def _cell(place: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value!r}</v></c>'
    if isinstance(value, dt.date):
        moment = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())
        days = (moment - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1)
        form = _MOMENT if isinstance(value, dt.datetime) else _DAY
        return f'<c r="{place}" s="{form}"><v>{days!r}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'
