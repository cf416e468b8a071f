"""Microsoft's worker library in a process of its own: `worker_process.py <folder> <script>`.

It lists the functions of the script in the folder, then makes one invocation for each line of
standard input, as the host would: all in JSON. Names that the library keeps to itself are used
here and nowhere else. Nothing of Stageward is imported but what the script imports.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

from azure_functions_runtime import handle_event
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.bindings.meta import load_binding_registry
from azure_functions_runtime.native_invocation import invocation_request_native
from azure_functions_runtime.utils.threadpool import start_threadpool_executor

Function = SimpleNamespace
"""What the library says of a function."""


def load(folder: Path, script: str) -> dict[str, Function]:
    """Index the functions of a script; return what the library says of each, by its name."""
    sys.path.insert(0, str(folder))
    os.environ["PYTHON_SCRIPT_FILE_NAME"] = script  # noqa: TID251  # the host tells it this way

    directions = {"in": 0, "out": 1, "inout": 2, "undefined": 0}
    binding = type("BindingInfo", (SimpleNamespace,), directions)
    handle_event.protos = SimpleNamespace(
        BindingInfo=binding,
        RpcFunctionMetadata=Function,
        RpcRetryOptions=SimpleNamespace,
    )
    load_binding_registry()
    start_threadpool_executor()
    handle_event.load_function_metadata(str(folder), "test")
    return {function.name: function for function in handle_event._metadata_result}  # noqa: SLF001


def datum(value: object) -> Datum:
    """Return what the host sends: `{"http": …}`, else JSON as text."""
    if not isinstance(value, dict) or set(value) != {"http"}:
        return Datum(json.dumps(value), "json")
    http = value["http"]
    fields = {name: Datum(http[name], "string") for name in ("method", "url")}
    for name in ("headers", "params", "query"):
        fields[name] = {key: Datum(text, "string") for key, text in http[name].items()}
    return Datum({**fields, "body": Datum(http["body"].encode(), "bytes")}, "http")


def answer(returned: Datum | None) -> dict[str, object] | None:
    """Return an HTTP response as JSON; what it is to the host, no less and no more."""
    if returned is None:
        return None
    http = returned.value
    return {
        "status": int(http["status_code"].value),
        "headers": {name: header.value for name, header in http["headers"].items()},
        "cookies": [cookie.output(header="").strip() for cookie in http["cookies"] or ()],
        "body": http["body"].value.decode(),
    }


async def invoke(
    function: Function, argument: str, value: object, traceparent: str
) -> dict[str, object]:
    """Make one invocation, as part of the host's trace, if it has one."""
    ok, returned, _, error, _ = await invocation_request_native(
        "an-invocation",
        function.function_id,
        [(argument, datum(value))],
        {},
        trace_parent=traceparent,
    )
    return {"ok": ok, "answer": answer(returned), "error": error or ""}


async def main(folder: str, script: str) -> None:
    """List the functions, then make invocations until standard input ends."""
    replies, sys.stdout = sys.stdout, sys.stderr
    functions = load(Path(folder), script)
    bindings = {name: list(map(json.loads, f.raw_bindings)) for name, f in functions.items()}

    def reply(value: object) -> None:
        replies.write(f"{json.dumps(value)}\n")
        replies.flush()

    reply(bindings)
    for line in sys.stdin:
        name, value, traceparent = json.loads(line)
        argument = bindings[name][0]["name"]
        reply(await invoke(functions[name], argument, value, traceparent))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
