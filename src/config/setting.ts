import { QuarryError } from '../errors/index.js';

/** Type of a setting's value. */
export type SettingKind = 'string' | 'integer' | 'number' | 'boolean' | 'list';

/** A user setting, whether it comes from a file, the environment or a flag. */
export interface Setting<T = unknown> {
  readonly kind: SettingKind;
  /** Sentence for `--help`. */
  readonly help: string;
  /** Environment variable. */
  readonly env?: string | undefined;
  /**
   * Flag with its placeholder: `--workers <n>`. Secrets have none, as arguments are visible to every user of the
   * machine.
   */
  readonly flag?: string | undefined;
  readonly default?: T | undefined;
  /** Allowed values of a string setting. */
  readonly choices?: readonly string[] | undefined;
  /** Alternative spellings of a string's values. */
  readonly aliases?: Readonly<Record<string, string>> | undefined;
  /** Smallest allowed number. */
  readonly min?: number | undefined;
  /** Largest allowed number; requires `min`. */
  readonly max?: number | undefined;
  /** Names used by earlier versions and by other programs, still accepted as config key, flag and variable. */
  readonly former?: { readonly name?: string; readonly flag?: string | undefined; readonly env?: string | undefined };
  /** Never printed, logged or accepted as a flag. `wallet`: a wallet key, which cannot be revoked. */
  readonly secret?: true | 'wallet' | undefined;
}

type ValueOf<K extends SettingKind> = K extends 'string'
  ? string
  : K extends 'boolean'
    ? boolean
    : K extends 'list'
      ? readonly string[]
      : number;

/** Value types of a table of settings; optional if there is no default. */
export type ValuesOf<S extends Record<string, Setting>> = {
  readonly [N in keyof S]: S[N] extends { default: unknown }
    ? ValueOf<S[N]['kind']>
    : ValueOf<S[N]['kind']> | undefined;
};

/**
 * Parses a setting's raw value.
 *
 * @param source where it was set, for errors: `--workers`, `QUARRY_WORKERS`, `quarry.yaml: workers`
 * @throws QuarryError `CONFIG_INVALID` (`USAGE` for a flag) when the value is invalid
 */
export function parseSetting(setting: Setting, raw: unknown, source: string): unknown {
  const fail = (expected: string): never => {
    const shown = setting.secret ? '' : `, got ${JSON.stringify(raw)}`;
    throw new QuarryError(
      source.startsWith('--') ? 'USAGE' : 'CONFIG_INVALID',
      `${source} expects ${expected}${shown}`,
    );
  };
  switch (setting.kind) {
    case 'boolean':
      if (typeof raw === 'boolean') return raw;
      if (raw === 'true' || raw === '1' || raw === 'yes') return true;
      if (raw === 'false' || raw === '0' || raw === 'no' || raw === '') return false;
      return fail('true or false');
    case 'list': {
      const items = Array.isArray(raw) ? raw : String(raw).split(',');
      return items.map((item) => String(item).trim()).filter((item) => item !== '');
    }
    case 'integer':
    case 'number': {
      const value = typeof raw === 'number' ? raw : Number(String(raw).trim() === '' ? Number.NaN : raw);
      const what = setting.kind === 'integer' ? 'a whole number' : 'a number';
      if (!Number.isFinite(value) || (setting.kind === 'integer' && !Number.isSafeInteger(value))) return fail(what);
      const { min, max } = setting;
      const isWithin = (min === undefined || value >= min) && (max === undefined || value <= max);
      if (!isWithin) return fail(`${what} ${max === undefined ? `of at least ${min}` : `from ${min} to ${max}`}`);
      return value;
    }
    default: {
      const value = typeof raw === 'string' || typeof raw === 'number' ? String(raw).trim() : fail('text');
      // An unset variable of a shell, as in --state-dir "$DIR": an empty path is the working directory.
      if (value === '') return fail('a value');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
      if (/[\u0000-\u001f\u007f]/.test(value)) return fail('text on one line, without control characters');
      if (setting.choices !== undefined && !setting.choices.includes(value)) {
        return fail(`one of ${setting.choices.join(', ')}`);
      }
      return setting.aliases !== undefined && Object.hasOwn(setting.aliases, value) ? setting.aliases[value] : value;
    }
  }
}
