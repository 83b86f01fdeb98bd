"""Peers that live in Python, for `quarry bench`: a job as JSON on standard input, its result as JSON on the last line out.

Nothing is timed before its result is near enough to what the job says is right. A module that is missing, or a wrong
result, is answered with {"skipped": reason}.
"""
import json
import os
import sys
import time


class Wrong(Exception):
    pass


def check(error, job):
    if not error <= job["tolerance"]:
        raise Wrong(f"its result is wrong: error {error:.1e}, {job['tolerance']:.0e} allowed")
    return error


def answer(run):
    try:
        return run()
    except ModuleNotFoundError as missing:
        return {"skipped": f"the Python module {missing.name} is not installed"}
    except Wrong as wrong:
        return {"skipped": str(wrong)}


def best_seconds(run, repeats):
    best = float("inf")
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - begin)
    return best


def sdpa_forward(apply_rope, sdpa):
    """The official attention, with PyTorch's own kernel in place of the masked softmax."""

    def forward(self, inputs, *, positions=None):
        batch, length, _ = inputs.shape
        heads = lambda x: x.reshape(batch, length, self.num_heads, self.head_dim)
        turn = lambda x: apply_rope(x, positions, head_dim=self.head_dim).transpose(1, 2)
        query, key = turn(heads(self.query(inputs))), turn(heads(self.key(inputs)))
        value = heads(self.value(inputs)).transpose(1, 2)
        context = sdpa(query, key, value, is_causal=True)
        return self.output(context.transpose(1, 2).reshape(batch, length, self.num_features))

    return forward


def forward(job):
    """A sample through the official soma-models: encoder, predictor, cross-entropy and SIGReg; also with SDPA in it."""
    import numpy
    import torch
    import soma_models.v1.torch.modules.attention as attention
    from soma_models.v1.torch import Model, ModelConfig, SIGReg, SIGRegConfig
    from soma_models.v1.torch.serde import Serde
    from importlib.metadata import version

    torch.set_num_threads(job["threads"])
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[job["precision"]]
    config = job["config"]
    with torch.device("meta"):  # no memory and no random numbers for weights that are read anyway
        model = Model(
            ModelConfig(
                dropout_rate=0.0,
                embedding_dim=config["embeddingDim"],
                pwff_hidden_dim=config["hiddenDim"],
                num_layers=config["numLayers"],
                num_heads=config["numHeads"],
                vocab_size=config["vocabSize"],
            )
        )
    load = model.load_state_dict
    model.load_state_dict = lambda state: load(state, assign=True)
    Serde(model).deserialize_from_file(job["weights"])
    model = model.to(dtype).eval()
    sig_reg = SIGReg(SIGRegConfig()).to(dtype)
    noise = torch.from_numpy(numpy.fromfile(job["noise"], dtype=numpy.float32)).view(config["embeddingDim"], -1).to(dtype)
    length = config["sequenceLength"]
    tokens = torch.tensor(job["sample"]).view(-1, length)
    targets = torch.nn.functional.pad(tokens[:, 1:], (0, 1), value=256).flatten()
    positions = torch.arange(tokens.numel()).view(-1, length)

    def run():
        representations = model.encode(tokens, positions)
        logits = model.predict(representations).flatten(0, 1)
        # The network's runtime divides by all positions, each chunk's padded last one among them.
        nll = torch.nn.functional.cross_entropy(logits, targets, ignore_index=256, reduction="sum") / tokens.numel()
        return nll + sig_reg.compute(representations, noise), representations.mean(dim=(0, 1))

    want = torch.tensor(job["want"]["embedding"])
    versions = f"PyTorch {torch.__version__.split('+')[0]}, soma-models {version('soma-models')}"

    def measure():
        loss, embedding = run()
        error = max(
            abs(loss.item() / job["want"]["loss"] - 1),
            ((embedding.float() - want).norm() / want.norm()).item(),
        )
        check(error, job)
        return {"seconds": best_seconds(run, job["repeats"]), "error": error, "version": versions}

    with torch.inference_mode():
        official = answer(measure)
        attention.MultiHeadAttention.forward = sdpa_forward(
            attention.apply_rope, torch.nn.functional.scaled_dot_product_attention
        )
        return {"official": official, "sdpa": answer(measure)}


def gemm(job):
    """Products [m, k] x [k, n]; errors relative to the sum of absolute products, against f64, of some elements."""
    import numpy

    random = numpy.random.default_rng(1)
    results = []
    for m, n, k in job["shapes"]:
        a = random.standard_normal((m, k), dtype=numpy.float32)
        b = random.standard_normal((n, k), dtype=numpy.float32)
        if job["library"] == "numpy":
            right = numpy.ascontiguousarray(b.T)
            out = numpy.empty((m, n), dtype=numpy.float32)
            run = lambda: numpy.matmul(a, right, out=out)
            value = lambda c: c
            name = f"numpy {numpy.__version__}"
        else:
            import torch

            torch.set_num_threads(job["threads"])
            dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[job["precision"]]
            left, weight = torch.from_numpy(a).to(dtype), torch.from_numpy(b).to(dtype)
            a, b = left.float().numpy(), weight.float().numpy()
            run = lambda: torch.nn.functional.linear(left, weight)
            value = lambda c: c.float().numpy()
            name = f"PyTorch {torch.__version__.split('+')[0]}"
        c = value(run())
        rows, columns = random.integers(0, m, 256), random.integers(0, n, 256)
        terms = a[rows].astype(numpy.float64) * b[columns].astype(numpy.float64)
        error = numpy.max(numpy.abs(c[rows, columns] - terms.sum(1)) / numpy.abs(terms).sum(1)).item()
        check(error, job)
        results.append({"seconds": best_seconds(run, job["repeats"]), "error": error})
    return {"results": results, "version": name}


def distance(job):
    """Cosine distances of the rows `quarry bench distance` scans: windows at shifting places of one block."""
    import numpy

    count, dim = job["rows"], job["dim"]
    targets = numpy.fromfile(job["targets"], dtype=numpy.float32).reshape(-1, dim)
    want = numpy.array(job["want"])  # [targets, few rows]
    few = want.shape[1]
    block = numpy.fromfile(job["block"], dtype=numpy.float32 if job["precision"] == "f32" else numpy.uint16)
    starts = (numpy.arange(count, dtype=numpy.int64) * 7919) % (len(block) - dim)
    rows = numpy.empty((count, dim), dtype=block.dtype)
    for row, start in enumerate(starts):
        rows[row] = block[start : start + dim]
    if job["library"] == "numpy":
        # Lengths once, outside the time taken: a program that scans the same rows repeatedly keeps them.
        lengths = numpy.sqrt(numpy.einsum("ij,ij->i", rows, rows))
        unit = (targets / numpy.linalg.norm(targets, axis=1, keepdims=True)).T.copy()

        def distances(part, sizes):
            return 1 - (part @ unit) / sizes[:, None]

        error = numpy.max(numpy.abs(distances(rows[:few], lengths[:few]) - want.T)).item()
        run = lambda: numpy.nonzero(distances(rows, lengths) <= job["threshold"])
        name = f"numpy {numpy.__version__}"
    else:
        import usearch
        from usearch.index import MetricKind, ScalarKind, search

        # Round to nearest even, as the rows were.
        bits = targets.view(numpy.uint32)
        query = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(numpy.uint16)
        find = lambda part, most: search(
            part, query, most, MetricKind.Cos, exact=True, threads=job["threads"], dtype=ScalarKind.BF16
        )
        found = find(rows[:few], few)
        keys, values = found.keys.reshape(len(targets), few), found.distances.reshape(len(targets), few)
        error = numpy.max(numpy.abs(values - numpy.take_along_axis(want, keys.astype(numpy.int64), 1))).item()
        run = lambda: find(rows, 1)
        name = f"usearch {usearch.__version__}"
    check(error, job)
    run()
    return {"seconds": best_seconds(run, job["repeats"]), "error": error, "version": name}


def main():
    job = json.load(sys.stdin)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(job["threads"])
    work = {"forward": forward, "gemm": gemm, "distance": distance}[job["do"]]
    print(json.dumps(answer(lambda: work(job))), flush=True)


main()
