"""Each relative link in the Markdown files leads to a file that exists, and to a heading of it."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.e2e.template import ROOT

_FENCED = re.compile(r"^( *)(```|~~~).*?^ *\2 *$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|\b(?:href|src)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#* *$", re.MULTILINE)


def markdown_files() -> list[Path]:
    """Return the Markdown files of the project, without those in folders that git ignores."""
    folders = [
        folder
        for folder in ROOT.iterdir()
        if folder.name == ".github" or not folder.name.startswith((".", "build", "dist", "out"))
    ]
    below = (file for folder in folders for file in folder.rglob("*.md"))
    return sorted([*ROOT.glob("*.md"), *below])


def relative_links(text: str) -> Iterator[str]:
    """Yield the targets of all links that are no URIs. Code has no links."""
    for found in _LINK.finditer(_CODE.sub("", _FENCED.sub("", text))):
        target = found[1] or found[2]
        if not re.match(r"[a-z][a-z+.-]*:", target, re.IGNORECASE):
            yield target


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a file."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in _HEADING.findall(_FENCED.sub("", text)):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return found


def wrong_links(file: Path) -> Iterator[str]:
    """Yield the relative links of a file that lead nowhere."""
    for link in relative_links(file.read_text()):
        name, _, anchor = unquote(link).partition("#")
        target = file.parent / name if name else file
        if not target.exists():
            yield f"{link}: there is no such file"
        elif anchor and anchor not in anchors(target.read_text()):
            yield f"{link}: there is no such heading"


@pytest.mark.parametrize("file", markdown_files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_each_link_leads_to_a_file_and_to_a_heading(file: Path) -> None:
    assert list(wrong_links(file)) == []


def test_wrong_links_are_found_and_others_are_none(tmp_path: Path) -> None:
    (tmp_path / "a b.md").write_text(
        "# The `code`, [linked](x)\n```\n# no heading\n```\n## Two\n## Two\n"
    )
    file = tmp_path / "links.md"
    file.write_text(
        "[a](a%20b.md) [b](a%20b.md#the-code-linked) [c](a%20b.md#two-1) [d](https://a.b/c)\n"
        "`[code](none.md)` [e](#here)\n\n# Here\n\n```\n[fenced](none.md)\n```\n"
    )
    assert list(wrong_links(file)) == []
    file.write_text('[a](b.md) [two\nlines](a%20b.md#no-heading) [c](#two) <img src="x.png">')
    assert list(wrong_links(file)) == [
        "b.md: there is no such file",
        "a%20b.md#no-heading: there is no such heading",
        "#two: there is no such heading",
        "x.png: there is no such file",
    ]
