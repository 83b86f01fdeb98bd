import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { exposedTo } from './exposed-file.js';
import { homeDirectory } from './home.js';
import { parseSetting, type Setting, type ValuesOf } from './setting.js';
import { SETTINGS, type SettingName } from './settings.js';

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
    const flag = sources.flags?.[name];
    const variable = setting.env === undefined ? undefined : env[setting.env]?.trim();
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
          join(env['XDG_CONFIG_HOME'] ?? join(homeDirectory(env), '.config'), 'quarry', 'config.yaml'),
        ];
  for (const path of candidates) {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (named === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw toQuarryError(error, `reading the config file ${path}`);
    }
    const values = parseFile(path, text);
    await refuseExposedSecrets(path, values);
    return { path, values };
  }
  return { path: '', values: {} };
}

/** A file with a secret in it is for its owner only, as a key file is. */
async function refuseExposedSecrets(path: string, values: Readonly<Record<string, unknown>>): Promise<void> {
  const secret = Object.keys(values).find((name) => (SETTINGS as Record<string, Setting>)[name]?.secret);
  if (secret === undefined) return;
  const exposed = exposedTo(await stat(path));
  if (exposed === undefined) return;
  throw new QuarryError('KEY_FILE_UNSAFE', `${path} holds the secret ${secret} and is open to ${exposed}`, {
    hint: `chmod 600 ${path}, or set the secret in the environment`,
  });
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
  const unknown = Object.keys(content).find((key) => !(key in SETTINGS));
  if (unknown !== undefined) {
    throw new QuarryError('CONFIG_INVALID', `${path} sets "${unknown}", which is no setting`, {
      hint: `settings are ${Object.keys(SETTINGS).join(', ')}`,
    });
  }
  return content as Record<string, unknown>;
}
