"""The page at /docs: the OpenAPI document as HTML, whole without scripts, styles beside it.

`chirp/api/static/docs.js` only adds a form to each operation that sends it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import urlencode

from chirp.api.schemas import Schema, name_of

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Chirp API</title><link rel="stylesheet" href="/docs/docs.css">
<script type="module" src="/docs/docs.js"></script></head>
<body><a class="skip" href="#main">To the contents</a>
<header><span class="brand"><a href="/">Chirp</a> <a href="/docs"><b>API</b></a></span>
<span class="version">{version}</span>
<form class="key" hidden><label>Key <input type="password" autocomplete="off"
placeholder="chirp_…"></label></form><a href="/">Home</a>
<a href="/openapi.json">openapi.json</a></header>
<div class="frame"><nav aria-label="Contents"><details open><summary>Contents</summary>
{contents}</details></nav>
<main id="main">{intro}{sections}{errors}{shapes}</main></div></body></html>
"""


class Operation(NamedTuple):
    """One operation of the document."""

    method: str
    path: str
    described: Schema

    @property
    def anchor(self) -> str:
        """Return its anchor."""
        return str(self.described["operationId"])


def render(document: Schema) -> str:
    """Return the page for a document."""
    found = [
        Operation(method.upper(), path, described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]
    order = [tag["name"] for tag in document["tags"]]
    found.sort(key=lambda operation: order.index(_tag(operation)))
    sections = [(tag, list(group)) for tag, group in groupby(found, _tag)]
    return _PAGE.format(
        version=escape(document["info"]["version"]),
        contents=_contents(sections),
        intro=_intro(document),
        sections="".join(_section(tag, group, document) for tag, group in sections),
        errors=_errors(document),
        shapes=_shapes(document["components"]["schemas"]),
    )


def _tag(operation: Operation) -> str:
    return str(operation.described["tags"][0])


def _slug(words: str) -> str:
    return words.lower().replace(" ", "-")


def _contents(sections: Iterable[tuple[str, list[Operation]]]) -> str:
    parts = []
    for tag, group in sections:
        parts.append(f'<h2><a href="#{_slug(tag)}">{escape(tag)}</a></h2><ul>')
        parts.extend(
            f'<li><a href="#{one.anchor}"><span class="m {one.method.lower()}">{one.method}</span>'
            f"<span>{escape(one.described['summary'])}</span></a></li>"
            for one in group
        )
        parts.append("</ul>")
    parts.append('<h2><a href="#errors">Errors</a></h2><h2><a href="#shapes">Shapes</a></h2>')
    return "".join(parts)


def _intro(document: Schema) -> str:
    words = "".join(f"<p>{_words(p)}</p>" for p in document["info"]["description"].split("\n\n"))
    url = escape(document["servers"][0]["url"])
    return (
        f'<section class="intro"><h1>The native API</h1>{words}<p><code>{url}</code></p></section>'
    )


def _words(text: str) -> str:
    """Return escaped text; what stands in backquotes is code."""
    parts = escape(text, quote=False).split("`")
    return "".join(f"<code>{p}</code>" if at % 2 else p for at, p in enumerate(parts))


# -- operations ---------------------------------------------------------------------------


def _section(tag: str, group: Iterable[Operation], document: Schema) -> str:
    inner = "".join(_operation(one, document) for one in group)
    return f'<section id="{_slug(tag)}"><h2>{escape(tag)}</h2>{inner}</section>'


def _operation(one: Operation, document: Schema) -> str:
    described = one.described
    path = escape(one.path).replace("{", "<i>{").replace("}", "}</i>")
    return (
        f'<article id="{one.anchor}"><h3><a href="#{one.anchor}">{escape(described["summary"])}</a>'
        f"{_badge(described)}</h3>"
        f'<p class="path"><span class="m {one.method.lower()}">{one.method}</span>'
        f"<code>{path}</code></p>"
        f'<div class="split"><div>{_takes(described, document)}{_gives(described)}</div>'
        f'<div class="code">{_examples(one, document)}</div></div></article>'
    )


def _badge(described: Schema) -> str:
    security = described["security"]
    if not security:
        return ""
    optional = {} in security
    return f'<span class="badge">{"key optional" if optional else "needs a key"}</span>'


def _takes(described: Schema, document: Schema) -> str:
    parameters = [_resolved(p, document) for p in described.get("parameters", ())]
    rows = [
        _row(p["name"], p["schema"], p["description"], p["in"], required=p.get("required", False))
        for p in parameters
    ]
    table = _table("Parameters", rows)
    if "requestBody" not in described:
        return table
    schema = next(iter(described["requestBody"]["content"].values()))["schema"]
    body = _resolved(schema, document)
    if not described["security"]:
        body["properties"] = {n: f for n, f in body["properties"].items() if n != "api_dev_key"}
    return table + _table("Body: JSON or a form", _fields(body))


def _gives(described: Schema) -> str:
    rows, refusals = [], []
    for status, answer in described["responses"].items():
        sign = f'<span class="s s{status[0]}">{status}</span>'
        if "$ref" in answer:
            name = escape(_name_of_response(answer))
            refusals.append(f'<a class="chip" href="#error-{name}">{sign} {name}</a>')
        else:
            rows.append(
                f"<tr><th>{sign}</th><td>{_content(answer)}</td>"
                f"<td>{_words(answer['description'])}</td></tr>"
            )
    chips = f'<p class="chips">{"".join(refusals)}</p>' if refusals else ""
    return _table("Answers", rows) + chips


def _content(answer: Schema) -> str:
    """Return the shape of an answer, or its content type."""
    for kind, content in answer.get("content", {}).items():
        return _type(content["schema"]) if "schema" in content else escape(kind)
    return "nothing"


def _name_of_response(answer: Schema) -> str:
    """Return the name of a refusal out of its reference."""
    return str(answer["$ref"]).rpartition("/")[2]


def _resolved(schema: Schema, document: Schema) -> Schema:
    """Return what a reference refers to."""
    found: Any = schema
    if "$ref" in schema:
        found = document
        for word in schema["$ref"].removeprefix("#/").split("/"):
            found = found[word]
    return dict(found)


def _table(title: str, rows: Iterable[str]) -> str:
    inner = "".join(rows)
    return f"<h4>{title}</h4><div class=wide><table>{inner}</table></div>" if inner else ""


def _fields(schema: Schema) -> Iterator[str]:
    required = schema.get("required", ())
    for name, inner in schema.get("properties", {}).items():
        yield _row(name, inner, inner.get("description", ""), "", required=name in required)


def _row(name: str, schema: Schema, description: str, where: str, *, required: bool) -> str:
    star = '<b class="req" title="required">*</b>' if required else ""
    notes = [where] if where in {"header", "path"} else []
    notes += [f"{words} {schema[word]}" for word, words in _BOUNDS.items() if word in schema]
    more = f" <small>{escape(', '.join(notes))}</small>" if notes else ""
    return (
        f"<tr><th><code>{escape(name)}</code>{star}</th><td>{_type(schema)}</td>"
        f"<td>{_words(description)}{more}</td></tr>"
    )


_BOUNDS = {
    "minimum": "from",
    "maximum": "to",
    "minLength": "at least",
    "maxLength": "at most",
    "default": "default",
}


def _type(schema: Schema) -> str:
    """Return a schema's type in a few words."""
    if "$ref" in schema:
        name = escape(name_of(schema["$ref"]))
        return f'<a href="#shape-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array" and isinstance(schema.get("items"), dict):
        return f"list of {_type(schema['items'])}"
    if schema.get("type") == "array":
        return "two numbers"
    kind = str(schema.get("type", "any"))
    return escape(_TYPES.get(schema.get("format", kind), kind))


_TYPES = {"date-time": "time", "uri": "address", "string": "text", "boolean": "true or false"}


def _examples(one: Operation, document: Schema) -> str:
    parts = [f"<h4>Request</h4><pre>{escape(curl(one, document))}</pre>"]
    status, answer = next(iter(one.described["responses"].items()))
    content = _resolved(answer, document).get("content", {}).get("application/json", {})
    if "example" in content:
        shown = json.dumps(content["example"], indent=2, ensure_ascii=False)
        parts.append(
            f"<details><summary>Answer <span class='s s2'>{status}</span></summary>"
            f"<pre>{escape(shown)}</pre></details>"
        )
    body = _body_example(one)
    parts.append(
        f'<form class="try" hidden data-method="{one.method}" data-path="{escape(one.path)}"'
        f" data-body='{escape(json.dumps(body, ensure_ascii=False)) if body else ''}'></form>"
    )
    return "".join(parts)


def _body_example(one: Operation) -> Schema:
    content = one.described.get("requestBody", {}).get("content", {})
    found: Schema = content.get("application/json", {}).get("example", {})
    return found


def curl(one: Operation, document: Schema) -> str:
    """Return a command that does it, with the examples of the document."""
    parameters = [_resolved(p, document) for p in one.described.get("parameters", ())]
    path, query = one.path, {}
    for parameter in parameters:
        example = parameter["schema"].get("examples", [""])[0]
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", str(example))
        elif parameter["name"] == "limit":
            query["limit"] = 20
    address = document["servers"][0]["url"] + path + (f"?{urlencode(query)}" if query else "")
    words = ["curl", *(["-X", one.method] if one.method != "GET" else []), address]
    body = _body_example(one)
    if body and one.method == "POST":
        words = ["curl", address]
    lines = [shlex.join(words)]
    if one.described["security"]:
        lines.append('-H "X-API-Key: $KEY"')
    lines += [f"-d {shlex.quote(f'{name}={value}')}" for name, value in body.items()]
    return " \\\n  ".join(lines)


# -- errors and shapes ----------------------------------------------------------------------


def _errors(document: Schema) -> str:
    rows = []
    for name, answer in document["components"]["responses"].items():
        headers = ", ".join(f"<code>{h}</code>" for h in answer["headers"] if h != "X-Request-Id")
        rows.append(
            f'<tr id="error-{escape(name)}"><th><code>{escape(name)}</code></th>'
            f"<td>{_words(answer['description'])}</td>"
            f"<td>{headers}</td></tr>"
        )
    words = "Every refusal has the body <a href='#shape-Failure'>Failure</a>."
    table = f"<div class=wide><table>{''.join(rows)}</table></div>"
    return f'<section id="errors"><h2>Errors</h2><p>{words}</p>{table}</section>'


def _shapes(schemas: dict[str, Schema]) -> str:
    parts = [
        f'<article id="shape-{name}" class="shape"><h3><a href="#shape-{name}">{name}</a></h3>'
        f"<p>{_words(schema.get('description', ''))}</p>{_table('Fields', _fields(schema))}"
        "</article>"
        for name, schema in sorted(schemas.items())
    ]
    return f'<section id="shapes"><h2>Shapes</h2>{"".join(parts)}</section>'
