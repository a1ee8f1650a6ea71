"""Prints the wire contract of the installed `mlflow` package as deterministic JSON, one operation or message per line.

Sources: the protobuf descriptors in mlflow.protos, the server's route table (HANDLERS) and the request checks that
mlflow/server/handlers.py passes to its parsers. Usage: python tools/contract/extract.py > packages/wire/contract/mlflow.json
"""

import ast
import importlib
import inspect
import json
import os
import pkgutil

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow
import mlflow.protos
from google.protobuf.descriptor import FieldDescriptor
from mlflow.protos import databricks_pb2
from mlflow.server import handlers

KINDS = {
    value: name.removeprefix("TYPE_").lower()
    for name, value in vars(FieldDescriptor).items()
    if name.startswith("TYPE_")
}
OSS_SERVICES = {"MlflowService", "ModelRegistryService", "MlflowArtifactsService", "WebhookService"}
PARSERS = {"_get_request_message", "_get_workspace_request_message"}
SIMPLE_CHECKS = {
    "_assert_required": "required",
    "_assert_string": "string",
    "_assert_intlike": "int",
    "_assert_floatlike": "float",
    "_assert_bool": "bool",
    "_assert_array": "array",
    "_assert_item_type_string": "items:string",
    "_assert_map_key_present": "items:key",
    "_assert_secret_value": "secret",
}


def services():
    for info in sorted(pkgutil.iter_modules(mlflow.protos.__path__), key=lambda m: m.name):
        if not info.name.endswith("_pb2"):
            continue
        module = importlib.import_module(f"mlflow.protos.{info.name}")
        yield from module.DESCRIPTOR.services_by_name.values()


def is_repeated(field):
    return field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def visibility(options):
    if not options.HasExtension(databricks_pb2.visibility):
        return None
    return databricks_pb2.Visibility.Name(options.Extensions[databricks_pb2.visibility])


def type_of(field):
    out = {"kind": KINDS[field.type]}
    if field.message_type:
        out["message"] = field.message_type.full_name
    if field.enum_type:
        out["enum"] = field.enum_type.full_name
    return out


def default_of(field):
    if field.enum_type:
        return field.enum_type.values_by_number[field.default_value].name
    return field.default_value


def describe_field(field):
    out = {"name": field.name, "number": field.number}
    if field.json_name != camel(field.name):
        out["json"] = field.json_name
    entry = field.message_type if field.message_type and field.message_type.GetOptions().map_entry else None
    if entry:
        key, value = entry.fields_by_name["key"], entry.fields_by_name["value"]
        out |= {"map": KINDS[key.type], **type_of(value)}
    else:
        out |= type_of(field)
        if is_repeated(field):
            out["repeated"] = True
        elif not field.has_presence:
            out["implicit"] = True
    options = field.GetOptions()
    if options.Extensions[databricks_pb2.validate_required]:
        out["required"] = True
    if field.has_default_value:
        out["default"] = default_of(field)
    oneof = field.containing_oneof
    if oneof and not (len(oneof.fields) == 1 and oneof.name == f"_{field.name}"):
        out["oneof"] = oneof.name
    if options.deprecated:
        out["deprecated"] = True
    if (shown := visibility(options)) and shown != "PUBLIC":
        out["visibility"] = shown
    return out


def render_text(node, scope):
    """A check's message: constants are filled in, the size of the value becomes {length}."""
    if isinstance(node, ast.Constant):
        return node.value
    parts = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(part.value)
        elif ast.unparse(part.value).startswith("len("):
            parts.append("{length}")
        else:
            parts.append(str(eval(ast.unparse(part.value), scope)))
    return "".join(parts)


def limit_check(call, scope):
    subject, *bounds = call.args
    low_high = [eval(ast.unparse(bound), scope) for bound in bounds]
    sized = ast.unparse(subject).startswith("len(")
    if call.func.id == "_assert_less_than_or_equal":
        out = {"maxItems" if sized else "max": low_high[0]}
    elif call.func.id == "_assert_intlike_within_range":
        out = {"min": low_high[0], "max": low_high[1]}
    else:
        raise SystemExit(f"unknown check: {ast.unparse(call)}")
    for keyword in call.keywords:
        if keyword.arg == "message":
            out["message"] = render_text(keyword.value, scope)
    return out


def each_check(function):
    """A local `for index, item in enumerate(…): _assert_required(item.get('key'), path=…)` check."""
    keys = [
        call.args[0].args[0].value
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "_assert_required"
    ]
    return {"each": keys}


def describe_check(node, functions, scope):
    if isinstance(node, ast.Name) and node.id in SIMPLE_CHECKS:
        return SIMPLE_CHECKS[node.id]
    if isinstance(node, ast.Lambda):
        return limit_check(node.body, scope)
    function = functions[node.id]
    calls = [n for n in ast.walk(function) if isinstance(n, ast.Call)]
    if any(ast.unparse(call.func) == "_assert_required" for call in calls):
        return each_check(function)
    limits = [call for call in calls if ast.unparse(call.func) == "_assert_intlike_within_range"]
    if len(limits) != 1:
        raise SystemExit(f"unknown check: {ast.unparse(function)}")
    return limit_check(limits[0], scope)


def checks_by_request():
    """Request message name -> checks per field, in the order in which the server applies them."""
    tree = ast.parse(inspect.getsource(handlers))
    functions = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    found = {}
    for message, handler in handlers.HANDLERS.items():
        for call in ast.walk(functions[handler.__name__]):
            if not (isinstance(call, ast.Call) and getattr(call.func, "id", None) in PARSERS):
                continue
            schema = next((k.value for k in call.keywords if k.arg == "schema"), None)
            if isinstance(schema, ast.Dict):
                found[message.DESCRIPTOR.full_name] = {
                    key.value: [describe_check(check, functions, vars(handlers)) for check in checks.elts]
                    for key, checks in zip(schema.keys, schema.values)
                }
    return found


def describe_operation(service, method, checks, handled):
    options = method.GetOptions().Extensions[databricks_pb2.rpc]
    request = method.input_type.full_name
    out = {
        "endpoints": [[e.method, e.path, f"{e.since.major}.{e.since.minor}"] for e in options.endpoints],
        "request": request,
        "response": method.output_type.full_name,
    }
    if service.name in OSS_SERVICES:
        if request not in handled:
            out["unserved"] = True
        if checks.get(request):
            out["checks"] = checks[request]
    else:
        out["oss"] = False
    shown = databricks_pb2.Visibility.Name(options.visibility)
    if shown != "PUBLIC":
        out["visibility"] = shown
    if options.rpc_doc_title:
        out["title"] = options.rpc_doc_title
    return out


def contract():
    checks = checks_by_request()
    handled = {message.DESCRIPTOR.full_name for message in handlers.HANDLERS}
    operations, messages, enums = {}, {}, {}

    def reach(message):
        if message.full_name in messages:
            return
        messages[message.full_name] = None
        if not message.full_name.startswith("google.protobuf."):
            messages[message.full_name] = [describe_field(field) for field in message.fields]
            for field in message.fields:
                target = field.message_type
                if target and target.GetOptions().map_entry:
                    field = target.fields_by_name["value"]
                if field.message_type:
                    reach(field.message_type)
                if field.enum_type:
                    enums[field.enum_type.full_name] = {v.name: v.number for v in field.enum_type.values}

    for service in services():
        for method in service.methods:
            name = f"{service.name}.{method.name}"
            if name in operations:
                raise SystemExit(f"two operations are called {name}")
            operations[name] = describe_operation(service, method, checks, handled)
            reach(method.input_type)
            reach(method.output_type)
    return {"operations": operations, "messages": messages, "enums": enums}


def main():
    sections = []
    for name, entries in contract().items():
        lines = ",\n".join(
            f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in sorted(entries.items())
        )
        sections.append(f'"{name}":{{\n{lines}\n}}')
    print(f'{{"mlflow":{json.dumps(mlflow.__version__)},\n' + ",\n".join(sections) + "}")


main()
