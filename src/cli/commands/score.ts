import { Command, Option } from 'commander';
import { chooseEngine } from '../../engine/choose-engine.js';
import type { Score } from '../../engine/contract.js';
import { cosineDistance } from '../../engine/reference/index.js';
import { QuarryError } from '../../errors/index.js';
import type { Target } from '../../soma/client/decode/target.js';
import { composedScore } from '../../store/index.js';
import { MODEL_CONFIGS, type ModelConfigName } from '../../weights/model-config.js';
import type { CliContext } from '../context.js';
import { openLocalWeights, weightsKey } from '../local-weights.js';
import { engineOptions } from '../mining/miner-settings.js';
import { idArgument, u64Argument } from '../parse-argument.js';
import { examples, sayJson, tell } from '../print.js';
import { readJoined, readSample } from '../sample-file.js';
import { addSettingFlags, configOf, ENGINE_SETTINGS } from '../settings-options.js';
import { withSession } from '../soma-session.js';
import { speedFileOf } from '../state-dir.js';
import { addTableFlags, printTable, type TableFlags } from '../table.js';

interface ScoreFlags extends TableFlags {
  readonly json?: boolean | undefined;
  readonly compose?: boolean | undefined;
  readonly model: string;
  readonly config: ModelConfigName;
  readonly key?: string | undefined;
  readonly seed?: string | undefined;
  readonly target?: string | undefined;
}

/** Maximum file size, bytes: larger than the network's 1 MiB, for experiments with models. */
const MAX_FILE_BYTES = 64 * 2 ** 20;
/** Samples passed to the engine at once. */
const BATCH = 16;

/** `quarry score`. */
export function scoreCommand(context: CliContext): Command {
  const command = new Command('score')
    .description('score local files with a local weight file: loss and embedding, one sample per file')
    .argument('<file...>', 'files to score')
    .requiredOption('--model <weights>', 'safetensors file')
    .addOption(
      new Option('--config <name>', 'shape of the model').choices(Object.keys(MODEL_CONFIGS)).makeOptionMandatory(),
    )
    .option('--key <key>', 'decrypts the weights: base58 or hex, public on chain once the model is revealed')
    .option('--seed <n>', 'seed of the SIGReg noise; auditors use 0', '0')
    .option('--target <id>', 'also show the distance to this target of the network')
    .option('--compose', 'join all files into one sample, scored from the scores of its parts')
    .option('--json', 'one line per file: {"file","loss","embedding":[…]}');
  addTableFlags(addSettingFlags(command, [...ENGINE_SETTINGS, 'network']));
  return command
    .addHelpText(
      'after',
      examples(
        'models generate --config small --seed 1 --out small.safetensors',
        'score README.md --model small.safetensors --config small --json',
        'score --compose a.bin b.bin --model small.safetensors --config small --json',
        'score notes/*.txt --model model.encrypted --key 9xQe… --config v1 --target 0x…',
      ),
    )
    .action((files: string[], flags: ScoreFlags) => score(context, files, flags));
}

async function score(context: CliContext, files: readonly string[], flags: ScoreFlags): Promise<void> {
  const seed = u64Argument(flags.seed ?? '0', '--seed');
  const targetId = flags.target === undefined ? undefined : idArgument(flags.target, 'target');
  const key = flags.key === undefined ? undefined : weightsKey(flags.key);
  const shape = MODEL_CONFIGS[flags.config];
  // `--config` and `--seed` have other meanings here than in the settings.
  const config = await configOf(context, { ...flags, config: undefined, seed: undefined });
  // Read all files first: one bad name should not cost an hour of scoring.
  for (const file of files) await readSample(file, MAX_FILE_BYTES);
  const chunks = flags.compose ? (await readJoined(files, MAX_FILE_BYTES, shape)).chunks : undefined;
  const target =
    targetId === undefined
      ? undefined
      : await withSession(context, {}, ({ client, signal }) => client.getTarget(targetId, { signal }), config);
  if (target !== undefined && target.embedding.length !== shape.embeddingDim) {
    throw new QuarryError(
      'INVALID_ARGUMENT',
      `a ${flags.config} model has ${shape.embeddingDim} values per embedding`,
      {
        hint: `the network's targets have ${target.embedding.length}`,
      },
    );
  }
  const weights = await openLocalWeights(flags.model, key, context.signal);
  try {
    const chosen = await chooseEngine(
      { ...engineOptions(config), speedFile: speedFileOf(config, context.env), signal: context.signal },
      shape,
    );
    try {
      if (!flags.json) tell(context, `engine ${chosen.name}: ${chosen.reason}`);
      const model = await chosen.engine.load(weights, shape, { signal: context.signal });
      if (!flags.json && model.note !== undefined) tell(context, model.note);
      try {
        const rows: { file: string; score: Score }[] = [];
        for (let first = 0; first < files.length; first += BATCH) {
          const batch = files.slice(first, first + BATCH);
          const samples = await Promise.all(batch.map((file) => readSample(file, MAX_FILE_BYTES)));
          const scores = await model.score(samples, { seed, signal: context.signal });
          for (const [index, each] of scores.entries()) {
            const file = batch[index] ?? '';
            if (flags.json && chunks === undefined) sayJson(context, scoreJson({ file }, each, target));
            else rows.push({ file, score: each });
          }
        }
        if (chunks !== undefined) showComposed(context, flags, rows, chunks, target);
        else if (!flags.json) printScores(context, flags, rows, target);
      } finally {
        await model.close();
      }
    } finally {
      await chosen.engine.close();
    }
  } finally {
    await weights.close();
  }
}

/** Prints the score of the joined files, computed from the scores of their chunks. */
function showComposed(
  context: CliContext,
  flags: ScoreFlags,
  rows: readonly { readonly file: string; readonly score: Score }[],
  chunks: readonly number[],
  target: Target | undefined,
): void {
  const composed = composedScore(rows.map(({ score }, i) => ({ ...score, chunks: chunks[i] ?? 1 })));
  const precision = rows.find(({ score }) => score.precision !== 'f32')?.score.precision ?? 'f32';
  const files = rows.map(({ file }) => file);
  const score = { ...composed, precision };
  if (flags.json) sayJson(context, scoreJson({ files, parts: files.length }, score, target));
  else printScores(context, flags, [{ file: `${files.length} parts`, score }], target);
}

function scoreJson(
  named: Readonly<Record<string, unknown>>,
  { loss, embedding }: Pick<Score, 'loss' | 'embedding'>,
  target: Target | undefined,
): Record<string, unknown> {
  if (target === undefined) return { ...named, loss, embedding };
  const distance = cosineDistance(embedding, target.embedding);
  const threshold = target.distanceThreshold;
  return { ...named, loss, targetId: target.id, distance, threshold, hit: distance <= threshold, embedding };
}

function printScores(
  context: CliContext,
  flags: TableFlags,
  rows: readonly { readonly file: string; readonly score: Score }[],
  target: Target | undefined,
): void {
  const shown = rows.map(({ file, score: { loss, embedding } }) => ({
    file,
    loss,
    distance: target === undefined ? 0 : cosineDistance(embedding, target.embedding),
    embedding: `${Array.from(embedding.subarray(0, 4), (value) => value.toFixed(4)).join(' ')} …`,
  }));
  const threshold = target?.distanceThreshold ?? 0;
  printTable(
    context,
    flags,
    shown,
    [
      { header: 'FILE', value: (row) => row.file, shrink: 1 },
      { header: 'LOSS', value: (row) => row.loss.toFixed(6), align: 'right' },
      ...(target === undefined
        ? []
        : [
            {
              header: 'DISTANCE',
              value: (row: (typeof shown)[number]) => row.distance.toFixed(6),
              align: 'right' as const,
            },
            { header: 'THRESHOLD', value: () => threshold.toFixed(4), align: 'right' as const },
            { header: 'HIT', value: (row: (typeof shown)[number]) => (row.distance <= threshold ? 'yes' : 'no') },
          ]),
      { header: 'EMBEDDING', value: (row) => row.embedding, shrink: 2 },
    ],
    'no files',
  );
}
