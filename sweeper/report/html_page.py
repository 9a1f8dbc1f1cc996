"""A report as one page that needs nothing beside itself: pictures that answer, and the numbers under each."""

import json

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from sweeper.report.section import Page
from sweeper.wording import plain


def _harmless(value: object) -> object:
    """Take out of text what could turn a page around; what is markup is our own."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


_PAGE = Environment(
    loader=PackageLoader("sweeper.report", "page"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_harmless,
    trim_blocks=True,
    lstrip_blocks=True,
)


def html_page(report: Page, *, refresh_seconds: int | None = None) -> str:
    """Return the page: 4.8 MB of Plotly, and the sweep's figures.

    With `refresh_seconds` it loads itself anew, which a page on the disk of a finished sweep need not.
    """
    figures = {
        _place(section.key, number): json.loads(str(drawing.figure.to_json()))
        for section in report.sections
        for number, drawing in enumerate(section.drawings)
    }
    return _PAGE.get_template("report.html.j2").render(
        report=report,
        refresh=refresh_seconds,
        place=_place,
        figures=_embedded(figures),
        plotly=Markup(get_plotlyjs().replace("</script", "<\\/script")),
        style=_text("report.css"),
        script=_text("report.js"),
    )


def _place(key: str, number: int) -> str:
    """Return the id of a section's drawing in the page."""
    return f"figure-{key}-{number}"


def _embedded(value: object) -> Markup:
    """Return JSON that a script element can hold whatever is in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _text(name: str) -> Markup:
    """Return a file beside the template, which is our own."""
    source, *_ = PackageLoader("sweeper.report", "page").get_source(_PAGE, name)
    return Markup(source)
