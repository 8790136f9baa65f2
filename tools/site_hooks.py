"""What MkDocs does not do by itself for our site; ``mkdocs.yml`` names this file as a hook.

- Pages that stand outside of ``docs/`` (README, CONTRIBUTING, ...) become pages of the site.
- Links to files of the repository lead to their page, or to a page that shows the file: no address
  of a hosting service is needed, and a link to a file that is gone fails the build.
- Notebooks become pages with their stored outputs.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from notebooks import rendered

ROOT = Path(__file__).resolve().parent.parent
DOCS = PurePosixPath("docs")
OUTSIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "benchmarks.md",
    "src/gisr/embedded/magnet-s/README.md": "model-card.md",
}
"""Files of the repository that are pages, and where in the site."""
_LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)#\s]+)((?:#[^)\s]*)?\))")
_FENCE = re.compile(r"(^```.*?^```)", re.DOTALL | re.MULTILINE)
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_LANGUAGES = {".py": "python", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".json": "json"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside of ``docs/``, the notebooks, and the files that pages link to."""
    for source, page in OUTSIDE.items():
        text = _FRONT_MATTER.sub("", (ROOT / source).read_text("utf-8"))
        files.append(File.generated(config, page, content=text))
    for notebook in sorted((ROOT / DOCS / "notebooks").glob("*.ipynb")):
        text, pictures = rendered(notebook)
        files.append(File.generated(config, f"notebooks/{notebook.stem}.md", content=text))
        for name, picture in pictures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=picture))
    for file in list(files.documentation_pages()):
        for linked in sorted(_linked(file.content_string, _source(file.src_uri))):
            if files.get_file_from_path(_shown_at(linked)) is None:
                shown = _shown(linked)
                files.append(File.generated(config, _shown_at(linked), content=shown))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to files of the repository to their place in the site."""
    source, here = _source(page.file.src_uri), PurePosixPath(page.file.src_uri).parent

    def led(match: re.Match[str]) -> str:
        to = relpath(_in_site(_target(match[2], source)), str(here))
        return f"{match[1]}{to}{match[3]}"

    return _outside_fences(markdown, lambda text: _LINK.sub(led, text))


def _source(page: str) -> PurePosixPath:
    """Return the file of the repository that a page of the site is made of."""
    for source, where in OUTSIDE.items():
        if where == page:
            return PurePosixPath(source)
    return DOCS / page


def _target(link: str, source: PurePosixPath) -> PurePosixPath:
    """Return the file of the repository that a link leads to."""
    return PurePosixPath(normpath(str(source.parent / link)))


def _in_site(target: PurePosixPath) -> str:
    """Return where in the site a file of the repository is."""
    if str(target) in OUTSIDE:
        return OUTSIDE[str(target)]
    if target.is_relative_to(DOCS):
        inside = target.relative_to(DOCS)
        # A notebook is read as a page.
        return str(inside.with_suffix(".md") if inside.suffix == ".ipynb" else inside)
    return _shown_at(target)


def _shown_at(file: PurePosixPath) -> str:
    return f"files/{file}.md"


def _linked(markdown: str, source: PurePosixPath) -> set[PurePosixPath]:
    """Return the files of the repository that a page links to and that are no pages."""
    found: set[PurePosixPath] = set()

    def note(text: str) -> str:
        targets = (_target(match[2], source) for match in _LINK.finditer(text))
        found.update(t for t in targets if _in_site(t) == _shown_at(t))
        return text

    _outside_fences(markdown, note)
    return found


def _shown(file: PurePosixPath) -> str:
    """Return a page that shows a file of the repository, or lists a folder.

    Raises:
        PluginError: There is no such file: a link on some page is broken.
    """
    path = ROOT / file
    if path.is_dir():
        lines = "\n".join(sorted(os.listdir(path)))
        return f"# {file}/\n\n```text\n{lines}\n```\n"
    if not path.is_file():
        raise PluginError(f"a page links to {file}, which is not there")
    language = _LANGUAGES.get(file.suffix, "text")
    return f"# {file}\n\n````{language}\n{path.read_text('utf-8')}\n````\n"


def _outside_fences(markdown: str, change: Callable[[str], str]) -> str:
    """Return a text with its parts outside of code blocks changed."""
    parts = _FENCE.split(markdown)
    return "".join(part if part.startswith("```") else change(part) for part in parts)
