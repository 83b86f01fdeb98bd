import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { parseSetting, type Setting, type ValuesOf } from './setting.js';
import { SETTINGS, type SettingName } from './settings.js';

const FORMER_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries(SETTINGS as Record<string, Setting>).flatMap(([name, { formerName }]) =>
    formerName === undefined ? [] : [[formerName, name] as const],
  ),
);

/** Every setting with its value, defaults filled in. */
export type Config = ValuesOf<typeof SETTINGS>;

export interface ConfigSources {
  /** Values of flags, by setting name, as the command line gave them. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A config file named by the user; it must exist. */
  readonly file?: string;
  readonly cwd?: string;
}

/**
 * Merges what the user set: flags over environment over config file over defaults. Without `file`, `quarry.yaml` in the
 * working directory is read, else `$XDG_CONFIG_HOME/quarry/config.yaml`, if present.
 *
 * @throws QuarryError `CONFIG_INVALID` for an unknown key or a value that does not fit (`USAGE` when it was a flag)
 * @throws QuarryError `FILE_NOT_FOUND` when the named file does not exist
 */
export async function loadConfig(sources: ConfigSources = {}): Promise<Config> {
  const env = sources.env ?? {};
  const { path, values } = await readConfigFile(sources, env);
  const config: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(SETTINGS) as [SettingName, Setting][]) {
    const flag = sources.flags?.[name] ?? (setting.formerName && sources.flags?.[setting.formerName]);
    const variable = setting.env === undefined ? undefined : env[setting.env];
    if (flag !== undefined) config[name] = parseSetting(setting, flag, flagName(setting));
    else if (variable !== undefined && variable !== '') {
      config[name] = parseSetting(setting, variable, setting.env ?? name);
    } else if (values[name] !== undefined) config[name] = parseSetting(setting, values[name], `${path}: ${name}`);
    else config[name] = setting.default;
  }
  return config as Config;
}

function flagName(setting: Setting): string {
  return setting.flag?.split(' ')[0] ?? '--?';
}

async function readConfigFile(
  sources: ConfigSources,
  env: NonNullable<ConfigSources['env']>,
): Promise<{ path: string; values: Readonly<Record<string, unknown>> }> {
  const named = sources.file ?? env['QUARRY_CONFIG'];
  const candidates =
    named !== undefined
      ? [named]
      : [
          join(sources.cwd ?? '.', 'quarry.yaml'),
          join(env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? homedir(), '.config'), 'quarry', 'config.yaml'),
        ];
  for (const path of candidates) {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (named === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw toQuarryError(error, `reading the config file ${path}`);
    }
    return { path, values: parseFile(path, text) };
  }
  return { path: '', values: {} };
}

function parseFile(path: string, text: string): Readonly<Record<string, unknown>> {
  let content: unknown;
  try {
    content = parse(text) ?? {};
  } catch (cause) {
    throw new QuarryError('CONFIG_INVALID', `${path} is not valid YAML`, { cause });
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new QuarryError('CONFIG_INVALID', `${path} must hold settings as "name: value" lines`);
  }
  const unknown = Object.keys(content).find((key) => !(key in SETTINGS) && !FORMER_NAMES.has(key));
  if (unknown !== undefined) {
    throw new QuarryError('CONFIG_INVALID', `${path} sets "${unknown}", which is no setting`, {
      hint: `settings are ${Object.keys(SETTINGS).join(', ')}`,
    });
  }
  return withNewNames(content as Record<string, unknown>);
}

function withNewNames(content: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(content).map(([key, value]) => [FORMER_NAMES.get(key) ?? key, value]));
}
