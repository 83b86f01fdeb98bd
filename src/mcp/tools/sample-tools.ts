import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { QuarryError } from '../../errors/index.js';
import { objectId, shannons } from '../schemas.js';
import { assertConfirmed, defineTool, type ToolCall } from '../tool.js';

const text = z.string().min(1).max(1_048_576).describe('the sample; its UTF-8 bytes are what is scored');

const score = {
  targetId: z.string(),
  outcome: z.string(),
  distance: z.number(),
  threshold: z.number(),
  modelId: z.string().describe('the model with the lowest loss, which decides'),
  loss: z.number(),
  rewardShannons: shannons,
  bondShannons: shannons,
};
const scored = z.looseObject(score);

/** Runs `submit` on a text, which is kept in a temporary file meanwhile. */
async function submit(
  { host, miner, signal, progress }: ToolCall,
  sample: string,
  targetId: string,
  how: 'dry run' | 'for good',
): Promise<z.output<typeof scored>> {
  const dir = await mkdtemp(join(tmpdir(), 'quarry-mcp-'));
  try {
    const file = join(dir, 'sample');
    await writeFile(file, sample);
    const args = ['submit', file, `--target=${targetId}`];
    const control = { signal, onTalk: progress };
    const [result] =
      how === 'dry run' ? await host.run([...args, '--dry-run'], control) : [await miner.serving.start(args, control)];
    const judged = scored.safeParse(result);
    if (judged.success) return judged.data;
    throw new QuarryError('INTERNAL', 'the submit command returned no score');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Tools that work on an agent's own text. */
export const SAMPLE_TOOLS = [
  defineTool({
    name: 'text_score',
    title: 'Score a text',
    description:
      "Scores a text under the models of an open target and says whether it hits, its distance, and the bond of a submission. Submits nothing. The first call downloads the models' weights.",
    input: z.object({ text, targetId: objectId }),
    output: scored,
    call: (input, call) => submit(call, input.text, input.targetId, 'dry run'),
  }),
  defineTool({
    name: 'submit',
    title: 'Submit a text',
    description:
      "Scores a text and submits it if it hits: the bytes become public, and a bond of the user is locked until the target is claimed. The user is asked first if the bond exceeds the user's limit.",
    writes: true,
    input: z.object({
      text,
      targetId: objectId,
      confirmBondShannons: shannons
        .optional()
        .describe('the bond the user agreed to; only if this program cannot ask the user itself'),
    }),
    output: z.looseObject({ ...score, digest: z.string(), feeShannons: shannons }),
    async call({ text: sample, targetId, confirmBondShannons }, call) {
      const { outcome, distance, threshold, bondShannons } = await submit(call, sample, targetId, 'dry run');
      if (outcome !== 'hit') {
        throw new QuarryError('FAILED_PRECONDITION', `the text misses: distance ${distance}, threshold ${threshold}`);
      }
      const question = `Submit ${Buffer.byteLength(sample)} bytes for target ${targetId}, with a bond of ${bondShannons} shannons?`;
      await assertConfirmed(call, question, BigInt(bondShannons), confirmBondShannons);
      return submit(call, sample, targetId, 'for good');
    },
  }),
] as const;
