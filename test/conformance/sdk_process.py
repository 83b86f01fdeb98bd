"""Makes the official SDK callable by lines of JSON: {"on", "method", "args", "kwargs"} in, {"ok"} or {"error"} out.

`on` names a client or a key made before, or is "Keypair" or "SomaClient" for static methods; "as" gives the result a name.
Integers travel as {"$n": "1"} and bytes as {"$b": hex}, so that neither is confused with a float or a text.
"""
import asyncio
import json
import sys
from types import SimpleNamespace

from soma_sdk import Keypair, SomaClient

named = {"Keypair": Keypair, "SomaClient": SomaClient}


def decode(value):
    if isinstance(value, list):
        return [decode(each) for each in value]
    if isinstance(value, dict):
        if "$n" in value:
            return int(value["$n"])
        if "$b" in value:
            return bytes.fromhex(value["$b"])
        if "$named" in value:
            return named[value["$named"]]
        return SimpleNamespace(**{key: decode(each) for key, each in value.items()})
    return value


def encode(value):
    if value is None or isinstance(value, (bool, str, float)):
        return value
    if isinstance(value, int):
        return {"$n": str(value)}
    if isinstance(value, (bytes, bytearray)):
        return {"$b": bytes(value).hex()}
    if isinstance(value, (list, tuple)):
        return [encode(each) for each in value]
    if isinstance(value, SimpleNamespace):
        value = vars(value)
    if isinstance(value, dict):
        return {str(key): encode(each) for key, each in value.items()}
    return {"$opaque": type(value).__name__}


async def answer(request):
    try:
        target = named[request["on"]]
        method = request["method"]
        args = [decode(each) for each in request.get("args", [])]
        kwargs = {key: decode(each) for key, each in request.get("kwargs", {}).items()}
        if method == "__dir__":
            return {"ok": [name for name in dir(target) if not name.startswith("_")]}
        result = target(*args, **kwargs) if method == "__new__" else getattr(target, method)(*args, **kwargs)
        if hasattr(result, "__await__") or asyncio.isfuture(result):
            result = await result
        if "as" in request:
            named[request["as"]] = result
        return {"ok": encode(result)}
    except Exception as error:
        return {"error": {"type": type(error).__name__, "message": str(error)}}


async def main():
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await answer(json.loads(line))), flush=True)


asyncio.run(main())
