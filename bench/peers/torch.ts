import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ModelConfig } from '../../src/engine/model-config.js';

/**
 * The V1 encoder in plain PyTorch on random weights, timed on one chunk. Causal attention by
 * scaled_dot_product_attention, PyTorch's fastest on a CPU.
 */
const SCRIPT = `
import json, sys, time
try:
    import torch
except ImportError:
    print(json.dumps({"skipped": "PyTorch is not importable by python3"}))
    sys.exit(0)
E, A, L, H, V, T, threads, repeats, precision = json.loads(sys.argv[1])
torch.set_num_threads(threads)
dtype = torch.bfloat16 if precision == "bf16" else torch.float32
torch.manual_seed(0)
linear = lambda i, o: torch.nn.Linear(i, o).to(dtype)
layers = [(torch.nn.LayerNorm(E).to(dtype), linear(E, 3 * E), linear(E, E), torch.nn.LayerNorm(E).to(dtype),
           linear(E, H), linear(H, E)) for _ in range(L)]
table = torch.randn(V, E).to(dtype)
predictor = linear(E, V)
angle = torch.arange(T)[:, None] / 10000 ** (torch.arange(0, E // A, 2) / (E // A))
cos, sin = angle.cos().to(dtype), angle.sin().to(dtype)
def rope(x):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)
def forward(tokens):
    x = table[tokens]
    for n1, qkv, out, n2, inner, outer in layers:
        q, k, v = (p.view(T, A, E // A).transpose(0, 1) for p in qkv(n1(x)).chunk(3, -1))
        ctx = torch.nn.functional.scaled_dot_product_attention(rope(q)[None], rope(k)[None], v[None], is_causal=True)
        x = x + out(ctx[0].transpose(0, 1).reshape(T, E))
        x = x + outer(torch.nn.functional.gelu(inner(n2(x))))
    return predictor(x)
tokens = torch.arange(T) % 256
best = float("inf")
with torch.inference_mode():
    for r in range(repeats + 1):
        begin = time.perf_counter()
        forward(tokens)
        if r > 0:
            best = min(best, time.perf_counter() - begin)
print(json.dumps({"seconds": best, "version": torch.__version__}))
`;

/** Best seconds of one chunk in PyTorch, or why it did not run. */
export async function torchForwardSeconds(
  config: ModelConfig,
  precision: 'f32' | 'bf16',
  threads: number,
  repeats: number,
  python = 'python3',
): Promise<{ readonly seconds: number; readonly version: string } | { readonly skipped: string }> {
  const { embeddingDim, numHeads, numLayers, hiddenDim, vocabSize, sequenceLength } = config;
  const spec = [embeddingDim, numHeads, numLayers, hiddenDim, vocabSize, sequenceLength, threads, repeats, precision];
  try {
    const { stdout } = await promisify(execFile)(python, ['-c', SCRIPT, JSON.stringify(spec)], { timeout: 1_800_000 });
    return JSON.parse(stdout) as { seconds: number; version: string } | { skipped: string };
  } catch (error) {
    return { skipped: `${python} did not finish: ${error instanceof Error ? error.message.split('\n')[0] : error}` };
  }
}
