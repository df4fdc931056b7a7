"""The preview as a page for a browser on this machine: needs no script, loads nothing, holds no secret."""

from __future__ import annotations

from caseprobe import texts
from caseprobe.report.document import document
from caseprobe.report.markup import NOTHING, Markup, element, facts_list, joined, table, unfold
from caseprobe.report.words import Words
from caseprobe_agent.oneshot.content import Item
from caseprobe_agent.oneshot.preview import Preview

# A page that a browser opens at once; the rest of a long file is read in the terminal.
SHOWN_CHARACTERS = 100_000
MOST_STAND_INS = 2_000
# A file's name is longer than a section's, for which the report's columns were made.
COLUMNS = """main { padding-top: 1rem }
@media (min-width: 40.01rem) { .name { min-width: 15rem } .gist { width: calc(100% - 17rem) } }
"""
# It holds true names: whatever stands in it, nothing of it goes anywhere.
HEAD = (
    element("meta", name="referrer", content="no-referrer"),
    element("meta", http_equiv="Content-Security-Policy", content="base-uri 'none'; form-action 'none'"),
    element("style", Markup(COLUMNS)),
)


def render_page(preview: Preview, language: str) -> str:
    """One self-contained page about a bundle that waits: what leaves, what stays, each file as it would leave.

    The true names in it are those behind stand-ins; what was hidden as a secret is not in it.
    """
    words = Words(language if language in texts.LANGUAGES else "en")
    items = preview.items()
    files, areas = [one for one in items if not one.area], [one for one in items if one.area]
    main = element(
        "main",
        _terms(preview, len(files), words),
        element(
            "section", element("h2", words("preview_files")), *(_file(preview, one, words) for one in files), id="files"
        ),
        _areas(areas, words),
        _stand_ins(preview, words),
    )
    title = f"{words('preview_title')} – caseprobe"
    return document(title, words.language, _banner(preview, words), main, more=HEAD)


def _banner(preview: Preview, words: Words) -> Markup:
    case = f"{preview.addressee.case_id} {preview.addressee.case_title}".strip()
    inner = element(
        "div",
        element("p", f"caseprobe · {words('preview_page')}", class_="subject"),
        element("h1", words("preview_title")),
        element("p", element("b", words("preview_unsent")), " ", words("preview_answer")),
        facts_list(
            [
                (words("preview_to"), preview.addressee.name),
                (words("preview_case"), case),
                (words("preview_file"), f"{preview.path.name}, {words.value('size_bytes', preview.size_bytes)}"),
                (words("preview_sha256"), preview.sha256.hex()),
            ]
        ),
        class_="inner",
    )
    return element("header", inner, class_="info")


def _terms(preview: Preview, total: int, words: Words) -> Markup:
    """What leaves, what does not, what was taken out, and the text that is agreed to."""
    gone = ", ".join(one.name for one in preview.left_out)
    withheld = ", ".join(preview.snapshot.redaction.withheld)
    notes = facts_list([(words("preview_left_out"), gone), (words("preview_withheld"), withheld)])
    return element(
        "section",
        element("p", words.filled("preview_leaves", n=total, receiver=preview.addressee.name)),
        element("p", words("preview_stays")),
        notes,
        unfold(words("preview_agreed"), element("blockquote", preview.addressee.consent_text), class_="row"),
        id="terms",
    )


def _line(item: Item, words: Words) -> Markup:
    """An item in one line: number, name, size, how much was hidden, how private it was, why it is there."""
    hidden = words.filled("preview_hidden_count", n=sum(item.hidden.values())) if item.hidden else ""
    privacy = "" if item.derived else words(f"privacy_{item.privacy}")
    what = item.name if item.area else words(item.why)
    parts = (words.value("size_bytes", item.size_bytes), hidden, privacy, what)
    needed = element("small", f" · {words('preview_needed')}") if item.needed else NOTHING
    name = element("span", f"{item.number}  {words(item.why) if item.area else item.name}", class_="name")
    gist = element("span", " · ".join(part for part in parts if part), needed, class_="gist")
    return joined(name, " ", gist)


def _file(preview: Preview, item: Item, words: Words) -> Markup:
    """One file: what was hidden in it by kind, and its bytes."""
    text = preview.content(item)
    left = len(text) - SHOWN_CHARACTERS
    more = element("p", words.filled("preview_more", size_bytes=left), class_="lack") if left > 0 else NOTHING
    return unfold(
        _line(item, words),
        _hidden(item, words),
        element("h3", words("preview_exact")),
        element("pre", text[:SHOWN_CHARACTERS], tabindex="0"),
        more,
        class_="row",
    )


def _hidden(item: Item, words: Words) -> Markup:
    """What was hidden in a file, by kind."""
    ranked = sorted(item.hidden.items(), key=lambda counted: -counted[1])
    rows = [(words.kind(rule), words.count(total)) for rule, total in ranked]
    if item.derived:
        return element("p", words(item.why))
    return table((words("kind"), words("number")), rows, (1,)) or element("p", words("preview_hidden_none"))


def _areas(areas: list[Item], words: Words) -> Markup:
    hint = element("p", words("preview_areas_hint"), class_="lack")
    rows = [element("div", _line(item, words), class_="row") for item in areas]
    return element("section", element("h2", words("preview_areas")), hint, *rows, id="areas")


def _stand_ins(preview: Preview, words: Words) -> Markup:
    """The part of the map that this bundle uses."""
    known = list(preview.stand_ins().items())[:MOST_STAND_INS]
    if not known:
        return NOTHING
    rows = [(true, element("code", stand_in)) for stand_in, true in known]
    inside = table((words("preview_true"), words("preview_stand_in")), rows)
    hint = element("p", words("preview_map_hint"), class_="lack")
    title = f"{words('preview_map')} ({words.count(len(known))})"
    return element("section", element("h2", words("preview_map")), hint, unfold(title, inside, class_="row"), id="map")
