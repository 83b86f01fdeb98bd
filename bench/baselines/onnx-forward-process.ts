// Started by onnx-forward.ts: a job as JSON on standard input, its result as JSON on standard output.
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { createOnnxEngine } from '../../src/engine/onnx/index.js';
import { QuarryError } from '../../src/errors/index.js';
import { openSafetensors } from '../../src/weights/safetensors.js';
import { relativeError } from '../score-error.js';
import type { OnnxForwardJob } from './onnx-forward.js';
import type { PeerTime, Skipped } from './peer-process.js';

async function measure(job: OnnxForwardJob): Promise<PeerTime | Skipped> {
  const engine = await createOnnxEngine({ threads: job.threads, prepack: true });
  const weights = await openSafetensors(job.weights, { checksum: 'unused' });
  const model = await engine.load(weights, job.config);
  const sample = Uint8Array.from(job.sample);
  const [score] = await model.score([sample]);
  const error = relativeError(score!, { ...job.want, embedding: Float32Array.from(job.want.embedding) });
  if (!(error <= job.tolerance)) {
    return { skipped: `its result is wrong: error ${error.toExponential(1)}, ${job.tolerance} allowed` };
  }
  let seconds = Infinity;
  for (let repeat = 0; repeat < job.repeats; repeat++) {
    const begin = performance.now();
    await model.score([sample]);
    seconds = Math.min(seconds, (performance.now() - begin) / 1000);
  }
  return { seconds, error, version: `onnxruntime-node ${onnxVersion()}` };
}

/** Version of the package that was loaded. */
function onnxVersion(): string {
  return (createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string }).version;
}

let result: PeerTime | Skipped;
try {
  result = await measure(JSON.parse(await text(process.stdin)) as OnnxForwardJob);
} catch (error) {
  if (!(error instanceof QuarryError)) throw error;
  result = { skipped: error.message };
}
process.stdout.write(`${JSON.stringify(result)}\n`);
