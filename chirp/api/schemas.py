"""JSON schemas and examples out of typed bodies, queries and answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

Schema = dict[str, Any]

_PLACE = "#/components/schemas/"
_GENERIC = re.compile(r"Page_(\w+)_")


class Schemas:
    """The schemas of some types under good names; `components` has them all."""

    def __init__(self, types: Iterable[object]) -> None:
        known = list(dict.fromkeys(types))
        refs, components = msgspec.json.schema_components(known, ref_template=_PLACE + "{name}")
        self._refs = {kind: _clean(ref) for kind, ref in zip(known, refs, strict=True)}
        self.components: dict[str, Schema] = {
            _name(name): _require(_clean(schema)) for name, schema in components.items()
        }

    def of(self, kind: object) -> Schema:
        """Return what stands for a type in the document: a reference, for a struct."""
        return dict(self._refs[kind])

    def words(self, ref: Schema) -> str:
        """Return what the docstring of a referred type says."""
        return str(self.components[name_of(ref["$ref"])]["description"])

    def parameters(self, query: type[Struct]) -> Iterator[Schema]:
        """Yield the parameters that the fields of a struct describe."""
        for name, schema in self.components[query.__name__]["properties"].items():
            description = schema.pop("description", "")
            schema.setdefault("type", "string")
            yield {"name": name, "in": "query", "description": description, "schema": schema}

    def drop(self, query: type[Struct]) -> None:
        """Take out a schema that nothing refers to."""
        self.components.pop(query.__name__, None)

    def fields(self, name: str) -> Iterator[tuple[str, Schema, bool]]:
        """Yield (name, schema, required) of a component's fields."""
        schema = self.components[name]
        required = schema.get("required", ())
        for field, inner in schema.get("properties", {}).items():
            yield field, inner, field in required

    def example(self, schema: Schema, above: tuple[str, ...] = ()) -> Any:
        """Return a value that fits a schema. Inside itself, a nullable shape is null."""
        if "$ref" in schema:
            return self._example_of_component(name_of(schema["$ref"]), above)
        if "examples" in schema:
            return schema["examples"][0]
        for word in ("const", "default"):
            if word in schema:
                return schema[word]
        if "enum" in schema:
            return schema["enum"][0]
        return self._example_by_type(schema, above)

    def example_of_body(self, name: str) -> dict[str, Any]:
        """Return what must be in a body; where nothing must, what may be."""
        fields = [field for field in self.fields(name) if field[0] != "api_dev_key"]
        needed = [field for field in fields if field[2]] or fields
        return {field: self.example(schema) for field, schema, _ in needed}

    def _example_of_component(self, name: str, above: tuple[str, ...]) -> dict[str, Any]:
        inside = (*above, name)
        return {
            field: self.example(schema, inside)
            for field, schema, required in self.fields(name)
            if required or not above
        }

    def _example_by_type(self, schema: Schema, above: tuple[str, ...]) -> Any:
        if "anyOf" in schema:
            first = schema["anyOf"][0]
            recursive = name_of(first.get("$ref", "")) in above
            return None if recursive else self.example(first, above)
        if schema.get("type") == "array":
            inner = schema.get("items")
            return [self.example(inner, above)] if isinstance(inner, dict) and not above else []
        return {"boolean": False, "integer": 1, "number": 1.5, "string": "…"}.get(
            schema.get("type", "null")
        )


def name_of(ref: str) -> str:
    """Return the component that a reference names."""
    return ref.removeprefix(_PLACE)


def _name(name: str) -> str:
    return _GENERIC.sub(r"\1Page", name)


def _clean(schema: Any) -> Any:
    """Return a schema without what says nothing: titles, and nulls that stand for absence."""
    if isinstance(schema, list):
        return [_clean(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _clean(value) for key, value in schema.items() if key != "title"}
    if "$ref" in found:
        found["$ref"] = _PLACE + _name(name_of(found["$ref"]))
    if "default" in found and found["default"] is None:
        del found["default"]
    return _lift(found)


def _lift(schema: Schema) -> Schema:
    """Move what is said of "this or null" out to where readers look for it."""
    options = schema.get("anyOf", ())
    if len(options) == 2 and options[1] == {"type": "null"} and "$ref" not in options[0]:
        for word in ("description", "examples"):
            if word in options[0]:
                schema[word] = options[0].pop(word)
    return schema


def _require(schema: Schema) -> Schema:
    """Require each field whose default its own schema refuses: an empty text that may not be."""
    required = list(schema.get("required", ()))
    for name, inner in schema.get("properties", {}).items():
        if inner.get("default") == "" and inner.get("minLength"):
            del inner["default"]
            required.append(name)
    if required:
        schema["required"] = required
    return schema
