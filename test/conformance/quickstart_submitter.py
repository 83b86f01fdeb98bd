"""A submitter as people write it with the official SDK: scores samples, and submits those near enough to an open target.

It starts `soma start scoring` as if that were installed; what answers to that name here is `quarry serve`. With QUICKSTART set
to the public quickstart's submitter.py that file is run instead, as it is: its cloud vendor, its data set and its bucket are
replaced by modules of the same names, its network by the one at RPC_URL. Ends when HITS submissions were accepted, and prints
them as a line of JSON. Who started it ends its process group.
"""
import asyncio
import http.server
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
import types

import soma_sdk

HITS = int(os.environ["HITS"])
SCORING_PORT = int(os.environ["SCORING_PORT"])
REFRESH_EVERY = 50
LARGEST_SAMPLE = 5_000

hosted = tempfile.mkdtemp(dir=os.environ["WORK_DIR"])
scored = 0
accepted = []
enough = asyncio.Event()
RealClient = soma_sdk.SomaClient


class CountingClient:
    """The SDK's client on the network under test; counts what the network accepts."""

    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        return getattr(self.client, name)

    async def score(self, **kwargs):
        global scored
        scored += 1
        return await self.client.score(**kwargs)

    async def submit_data(self, **kwargs):
        await self.client.submit_data(**kwargs)
        accepted.append(kwargs["target_id"])
        if len(accepted) >= HITS:
            enough.set()


async def connect(chain=None, **kwargs):
    return CountingClient(await RealClient(os.environ["RPC_URL"], **kwargs))


def samples():
    number = 0
    while True:
        number += 1
        yield f"def sample_{number}(x):\n    return x * {number}\n".encode() * (1 + number % 7)


def host(port):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=hosted)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def publish(base, name, data):
    with open(os.path.join(hosted, name), "wb") as file:
        file.write(data)
    return f"{base}/{name}"


def distance(a, b):
    norms = sum(x * x for x in a) ** 0.5 * sum(y * y for y in b) ** 0.5
    return 1.0 if norms == 0 else 1.0 - sum(x * y for x, y in zip(a, b)) / norms


async def submit(client, key, open_targets, model, data, url, result):
    """Tries every open target of the winning model; says whether the list is out of date."""
    stale = False
    for target in list(open_targets):
        apart = distance(result.embedding, target.embedding)
        if model not in target.model_ids or apart > target.distance_threshold:
            continue
        try:
            await client.merge_coins(signer=key)
        except Exception:
            pass
        try:
            await client.submit_data(
                signer=key,
                target_id=target.id,
                data=data,
                data_url=url,
                model_id=model,
                embedding=result.embedding,
                distance_score=apart,
                loss_score=result.loss_score,
            )
        except Exception as error:
            print(f"not accepted: {error}", file=sys.stderr)
            if "TargetNotOpen" not in str(error):
                continue
        open_targets.remove(target)
        stale = True
    return stale


async def mine():
    key = soma_sdk.Keypair.from_secret_key(os.environ["SOMA_SECRET_KEY"])
    client = await connect(scoring_url=f"http://127.0.0.1:{SCORING_PORT}")
    base = host(0)
    open_targets, manifests, stale = [], {}, True
    for number, data in enumerate(samples()):
        if len(data) > LARGEST_SAMPLE:
            continue
        if stale or not open_targets or number % REFRESH_EVERY == 0:
            open_targets, manifests = list(await client.get_targets(status="open")), {}
        if not open_targets:
            await asyncio.sleep(0.2)
            continue
        target = open_targets[number % len(open_targets)]
        if target.id not in manifests:
            manifests[target.id] = await client.get_model_manifests(target)
        url = publish(base, f"{client.commitment(data)}.bin", data)
        result = await client.score(
            data_url=url, models=manifests[target.id], target_embedding=target.embedding, data=data
        )
        stale = await submit(client, key, open_targets, target.model_ids[result.winner], data, url, result)


async def start_scoring():
    process = subprocess.Popen(["soma", "start", "scoring", "--device", "cpu"], stdout=sys.stderr)
    while process.poll() is None:
        try:
            client = await connect(scoring_url=f"http://127.0.0.1:{SCORING_PORT}")
            if await client.scoring_health():
                return
        except Exception:
            await asyncio.sleep(0.1)
    raise RuntimeError("the scoring service ended")


class Anything:
    """Whatever is asked of a cloud vendor's library: decorators give back what they decorate."""

    def __getattr__(self, _):
        return self

    def __call__(self, *args, **_):
        return args[0] if len(args) == 1 and callable(args[0]) else self


def public_submitter(path):
    base = host(0)
    soma_sdk.SomaClient = connect
    sys.modules["modal"] = Anything()
    sys.modules["boto3"] = types.SimpleNamespace(client=lambda *_, **__: None)
    spec = importlib.util.spec_from_file_location("submitter", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.SCORING_PORT = SCORING_PORT
    module.LOCAL_DATA_PORT = int(os.environ["DATA_PORT"])
    module.LOCAL_DATA_DIR = os.path.join(hosted, "local")
    module.stream_stack_v2 = samples
    module.upload_to_s3 = lambda data, checksum, _epoch: publish(base, f"{checksum}.bin", data)
    return module.Submitter()


async def until_enough(mining):
    task = asyncio.ensure_future(mining)
    done, _ = await asyncio.wait([task, asyncio.ensure_future(enough.wait())], return_when=asyncio.FIRST_COMPLETED)
    if task in done:
        await task
    task.cancel()


async def run_own():
    await start_scoring()
    await until_enough(mine())


def main():
    path = os.environ.get("QUICKSTART")
    if path is None:
        asyncio.run(run_own())
    else:
        submitter = public_submitter(path)
        submitter.start_soma()
        asyncio.run(until_enough(submitter.run()))
    print(json.dumps({"scored": scored, "accepted": accepted}), flush=True)
    # Threads of the submitter wait for samples for ever.
    os._exit(0)


main()
