"""A value against an OpenAPI schema as custom resource definitions hold it, strictly: unknown
fields are errors."""

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
         "number": (int, float)}


def problems(value, schema, path=""):
    """What is wrong, one line each."""
    kind = schema.get("type")
    if schema.get("x-kubernetes-int-or-string"):
        kind = "string" if isinstance(value, str) else "integer"
    if kind and (not isinstance(value, TYPES[kind]) or
                 kind != "boolean" and isinstance(value, bool)):
        yield f"{path}: {value!r} is no {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {schema['enum']}"
    if kind == "array":
        for number, item in enumerate(value):
            yield from problems(item, schema.get("items", {}), f"{path}[{number}]")
    if kind == "object":
        yield from of_object(value, schema, path)


def of_object(value, schema, path):
    for key in set(schema.get("required", [])) - set(value):
        yield f"{path}.{key} is missing"
    known = schema.get("properties", {})
    others = schema.get("additionalProperties")
    is_open = not known and others is None or schema.get("x-kubernetes-preserve-unknown-fields")
    for key, item in value.items():
        if key in known:
            yield from problems(item, known[key], f"{path}.{key}")
        elif isinstance(others, dict):
            yield from problems(item, others, f"{path}.{key}")
        elif not is_open:
            yield f"{path}.{key} is unknown"


def schema_of(definition, version):
    return next(each["schema"]["openAPIV3Schema"] for each in definition["spec"]["versions"]
                if each["name"] == version)
