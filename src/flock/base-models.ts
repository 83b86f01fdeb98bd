/**
 * Date of the FLock repositories that these tables were taken from. The tables only advise: a missing entry never
 * blocks anything.
 */
export const BASE_MODELS_AS_OF = '2025-08';

/** Prompt template names the loss validator looks up (llm-loss-validator `src/core/template.py`, newer quickstarts). */
export const TEMPLATE_KEYS: readonly string[] = [
  'qwen1.5',
  'qwen3.5',
  'yi',
  'zephyr',
  'mistral',
  'mixtral',
  'llama2',
  'gemma',
  'llama3',
  'phi3',
  'phi4',
  'default',
];

const qwen25 = ['0.5', '1.5', '3', '7', '14', '32', '72'].flatMap((size) => [
  `Qwen/Qwen2.5-${size}B`,
  `Qwen/Qwen2.5-${size}B-Instruct`,
]);
const qwen35 = ['0.8', '2', '4', '9'].flatMap((size) => [`Qwen/Qwen3.5-${size}B`, `Qwen/Qwen3.5-${size}B-Base`]);

/** Base models that LoRA submissions may build on (llm-loss-validator `src/core/constant.py`, llm_judge constants). */
export const SUPPORTED_BASES: readonly string[] = [
  ...qwen25,
  ...['6', '9', '34'].flatMap((size) => [`01-ai/Yi-1.5-${size}B`, `01-ai/Yi-1.5-${size}B-Chat`]),
  'mistralai/Mistral-7B-v0.3',
  'mistralai/Mistral-7B-Instruct-v0.3',
  'mistralai/Ministral-8B-Instruct-2410',
  ...['2', '9', '27'].flatMap((size) => [`google/gemma-2-${size}b`, `google/gemma-2-${size}b-it`]),
  ...['8', '70'].flatMap((size) => [
    `meta-llama/Meta-Llama-3-${size}B`,
    `meta-llama/Meta-Llama-3-${size}B-Instruct`,
    `meta-llama/Meta-Llama-3.1-${size}B`,
    `meta-llama/Meta-Llama-3.1-${size}B-Instruct`,
  ]),
  'microsoft/Phi-3.5-mini-instruct',
  'microsoft/Phi-3-mini-4k-instruct',
  'microsoft/Phi-3-medium-4k-instruct',
  'microsoft/Phi-4-mini-instruct',
  'microsoft/phi-4',
  ...qwen35,
  'Qwen/Qwen3.5-27B',
];

/** Parameter counts of the base models in FLock's quickstart. */
export const BASE_MODEL_PARAMS: Readonly<Record<string, number>> = {
  'Qwen/Qwen1.5-0.5B': 620_000_000,
  'Qwen/Qwen1.5-1.8B': 1_840_000_000,
  'Qwen/Qwen1.5-7B': 7_720_000_000,
  'google/gemma-2b': 2_510_000_000,
  'google/gemma-7b': 8_540_000_000,
  'Qwen/Qwen3.5-0.8B': 853_000_000,
  'Qwen/Qwen3.5-2B': 2_213_000_000,
  'Qwen/Qwen3.5-4B': 4_539_000_000,
  'Qwen/Qwen3.5-9B': 8_392_000_000,
  'Qwen/Qwen3.5-27B': 26_085_000_000,
};

/** Hub id patterns and their templates; the first match wins. */
const TEMPLATE_OF: readonly (readonly [RegExp, string])[] = [
  [/^Qwen\/Qwen3\.5/i, 'qwen3.5'],
  [/^Qwen\//i, 'qwen1.5'],
  [/^01-ai\/Yi/i, 'yi'],
  [/^mistralai\/Mixtral/i, 'mixtral'],
  [/^mistralai\//i, 'mistral'],
  [/^google\/gemma/i, 'gemma'],
  [/^meta-llama\/Llama-2/i, 'llama2'],
  [/^meta-llama\//i, 'llama3'],
  [/^microsoft\/Phi-3/i, 'phi3'],
  [/^microsoft\/.*hi-4/i, 'phi4'],
];

/** Template name for a Hub id such as `google/gemma-7b`; undefined if no rule matches. */
export function templateKeyFor(hubId: string): string | undefined {
  return TEMPLATE_OF.find(([pattern]) => pattern.test(hubId))?.[1];
}

/** Known base models with at most `maxParams` parameters, largest first. */
export function candidateBases(maxParams: number): { name: string; params: number }[] {
  return Object.entries(BASE_MODEL_PARAMS)
    .map(([name, params]) => ({ name, params }))
    .filter(({ params }) => params <= maxParams)
    .sort((a, b) => b.params - a.params);
}
