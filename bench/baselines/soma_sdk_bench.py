"""Measures the official SDK for bench/sdk.ts: a line of JSON with the job in, a line of JSON with the result out."""
import asyncio
import json
import sys
import time

from soma_sdk import Keypair, SomaClient


async def list_targets(client, job):
    best = None
    for _ in range(job["rounds"]):
        begin = time.perf_counter()
        targets = (await client.list_targets(limit=job["limit"])).targets
        values = sum(len(target.embedding) for target in targets)
        seconds = time.perf_counter() - begin
        best = seconds if best is None else min(best, seconds)
    return {"seconds": best, "targets": len(targets), "values": values}


async def submit(client, signer, job):
    waiting = list(job["targets"])
    data = b"x" * 1024
    done, errors = 0, []

    async def worker():
        nonlocal done
        while waiting:
            target = waiting.pop()
            try:
                await client.submit_data(
                    signer, target["id"], data, job["url"], target["model"], job["embedding"], 0.5, [1.0]
                )
                done += 1
            except Exception as error:
                errors.append(str(error)[:200])

    begin = time.perf_counter()
    await asyncio.gather(*[worker() for _ in range(job["inFlight"])])
    return {"seconds": time.perf_counter() - begin, "done": done, "failed": len(errors), "error": (errors or [None])[0]}


async def main():
    client, signer = None, None
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        job = json.loads(line)
        if job["do"] == "connect":
            client = await SomaClient(job["rpcUrl"])
            signer = Keypair.from_secret_key(job["secret"])
            result = {}
        elif job["do"] == "list":
            result = await list_targets(client, job)
        else:
            result = await submit(client, signer, job)
        print(json.dumps(result), flush=True)


asyncio.run(main())
