/** A scorer's status, as it publishes it. */
export interface ScorerStatus {
  readonly id: string;
  readonly label: string;
  /** Weights identities of loaded models. */
  readonly models: readonly string[];
  readonly samples: number;
  /** Exponential moving average over batches. */
  readonly samplesPerSecond: number;
  /** Rows kept; absent if it keeps none. */
  readonly keptRows?: number | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly seenAt: number;
}

const MOST_LABEL = 100;
const MOST_MODELS = 1_000;

/**
 * Parses a scorer's report, which is untrusted.
 *
 * @param id the key it was stored under
 * @returns undefined if it is malformed
 */
export function readScorerStatus(id: string, json: string): ScorerStatus | undefined {
  try {
    const told = JSON.parse(json) as Partial<Record<keyof ScorerStatus, unknown>> | null;
    if (told === null || told.id !== id || !/^[0-9a-f]{8}$/.test(id)) return undefined;
    const { label, models, samples, samplesPerSecond, keptRows, seenAt } = told;
    if (typeof label !== 'string' || !Array.isArray(models)) return undefined;
    if (!isAmount(samples) || !isAmount(samplesPerSecond) || !isAmount(seenAt)) return undefined;
    return {
      id,
      label: label.slice(0, MOST_LABEL),
      models: models.slice(0, MOST_MODELS).map(String),
      samples,
      samplesPerSecond,
      ...(isAmount(keptRows) && { keptRows }),
      seenAt,
    };
  } catch {
    return undefined;
  }
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
