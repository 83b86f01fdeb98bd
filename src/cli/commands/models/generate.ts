import { type Command, Option } from 'commander';
import { formatBytes } from '../../../text/index.js';
import { EMBEDDING_SPECTRA, type EmbeddingSpectrum, generateWeights } from '../../../weights/generate.js';
import { MODEL_CONFIGS, type ModelConfigName } from '../../../weights/model-config.js';
import type { CliContext } from '../../context.js';
import { u64Argument } from '../../parse-argument.js';
import { examples, sayJson, tell } from '../../print.js';
import { liveArea } from '../../progress-output.js';

interface GenerateFlags {
  readonly config: ModelConfigName;
  readonly seed: string;
  readonly out: string;
  readonly spectrum: EmbeddingSpectrum;
  readonly json?: boolean | undefined;
}

/** Adds `quarry models generate`. */
export function addGenerateCommand(models: Command, context: CliContext): void {
  models
    .command('generate')
    .description('write deterministic random weights: the same shape and seed give the same file everywhere')
    .addOption(
      new Option('--config <name>', 'shape of the model').choices(Object.keys(MODEL_CONFIGS)).makeOptionMandatory(),
    )
    .requiredOption('--seed <n>', 'whole number')
    .requiredOption('--out <file>', 'safetensors file to write; must not exist')
    .addOption(
      new Option('--spectrum <name>', 'distribution of embeddings: like random weights, or like trained ones')
        .choices(EMBEDDING_SPECTRA)
        .default('isotropic'),
    )
    .option('--json', 'one JSON object on stdout')
    .addHelpText('after', examples('models generate --config small --seed 1 --out small.safetensors'))
    .action(async (flags: GenerateFlags) => {
      const seed = u64Argument(flags.seed, '--seed');
      const live = liveArea(context, flags);
      const begun = performance.now();
      let bar: ReturnType<typeof live.bar> | undefined;
      try {
        const sizeBytes = await generateWeights(MODEL_CONFIGS[flags.config], seed, flags.out, {
          signal: context.signal,
          spectrum: flags.spectrum,
          onProgress: (written, total) => {
            bar ??= live.bar('weights', total);
            bar.update(written);
          },
        });
        live.clear();
        if (flags.json) sayJson(context, { file: flags.out, config: flags.config, seed, sizeBytes });
        else {
          const seconds = ((performance.now() - begun) / 1000).toFixed(1);
          tell(context, `${flags.out}: ${formatBytes(sizeBytes)} of ${flags.config} weights in ${seconds} s`);
        }
      } finally {
        live.clear();
      }
    });
}
