import { join } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { QuarryError } from '../errors/index.js';
import { readNamedFile } from '../files/named-file.js';
import { refuseExposed } from './exposed-secret.js';
import { configHome } from './home.js';
import { nearest } from './nearest.js';
import { parseSetting, type Setting, type ValuesOf } from './setting.js';
import { SETTINGS, type SettingName } from './settings/index.js';

/** All settings with their values; defaults are filled in. */
export type Config = ValuesOf<typeof SETTINGS>;

export interface ConfigSources {
  /** Values of command-line flags, by setting name. */
  readonly flags?: Readonly<Record<string, unknown>> | undefined;
  /** Flags, by setting name, that the caller has for settings without one of their own. Named in errors. */
  readonly flagNames?: Readonly<Record<string, string>> | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Config file named by the user, which must exist; `false` reads no file. */
  readonly file?: string | false | undefined;
  readonly cwd?: string | undefined;
  /** Ends the wait for a config file that is a FIFO. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Merges all sources of settings; flags take precedence over the environment, then the config file, then defaults.
 * Without `file`, reads `quarry.yaml` in the working directory, or else `$XDG_CONFIG_HOME/quarry/config.yaml`, if
 * present.
 *
 * @throws QuarryError `CONFIG_INVALID` for an unknown key or an invalid value (`USAGE` if it was a flag)
 * @throws QuarryError `FILE_NOT_FOUND` when the named file does not exist
 */
export async function loadConfig(sources: ConfigSources = {}): Promise<Config> {
  const env = sources.env ?? {};
  const { path, values } = await readConfigFile(sources, env);
  const config: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(SETTINGS) as [SettingName, Setting][]) {
    const { former } = setting;
    const given = sources.flags ?? {};
    const candidates = [
      { raw: given[name], source: sources.flagNames?.[name] ?? flagName(setting.flag) },
      { raw: former?.name && given[former.name], source: flagName(former?.flag) },
      variableOf(env, setting.env),
      variableOf(env, former?.env),
      { raw: values[name], source: `${path}: ${name}` },
      { raw: former?.name && values[former.name], source: `${path}: ${former?.name}` },
    ];
    const chosen = candidates.find(({ raw }) => raw !== undefined);
    config[name] = chosen === undefined ? setting.default : parseSetting(setting, chosen.raw, chosen.source);
  }
  return config as Config;
}

function flagName(flag: string | undefined): string {
  return flag?.split(' ')[0] ?? '--?';
}

/** An empty variable counts as unset. */
function variableOf(
  env: NonNullable<ConfigSources['env']>,
  name: string | undefined,
): { readonly raw: string | undefined; readonly source: string } {
  const text = name === undefined ? undefined : env[name]?.trim();
  return { raw: text === '' ? undefined : text, source: name ?? '' };
}

async function readConfigFile(
  sources: ConfigSources,
  env: NonNullable<ConfigSources['env']>,
): Promise<{ path: string; values: Readonly<Record<string, unknown>> }> {
  if (sources.file === false) return { path: '', values: {} };
  const named = sources.file ?? env['QUARRY_CONFIG'];
  const candidates =
    named !== undefined
      ? [named]
      : [join(sources.cwd ?? '.', 'quarry.yaml'), join(configHome(env), 'quarry', 'config.yaml')];
  for (const path of candidates) {
    const doing = `reading the config file ${path}`;
    let text: string;
    try {
      text = (await readNamedFile(path, { doing, signal: sources.signal })).toString('utf8');
    } catch (error) {
      if (named === undefined && error instanceof QuarryError && error.details['errno'] === 'ENOENT') continue;
      throw error;
    }
    const values = parseFile(path, text);
    await refuseExposed(path, secretIn(values));
    return { path, values };
  }
  return { path: '', values: {} };
}

/** Current or former name of the first secret among a file's values. */
function secretIn(values: Readonly<Record<string, unknown>>): string | undefined {
  const secrets = Object.entries(SETTINGS as Readonly<Record<string, Setting>>).filter(([, { secret }]) => secret);
  return secrets
    .flatMap(([name, { former }]) => [name, former?.name])
    .find((name) => name && Object.hasOwn(values, name));
}

function parseFile(path: string, text: string): Readonly<Record<string, unknown>> {
  let content: unknown;
  try {
    content = parse(text) ?? {};
  } catch (cause) {
    const place = cause instanceof YAMLParseError ? cause.linePos?.[0] : undefined;
    const reason = cause instanceof Error ? cause.message.split(/ at line |\n/)[0] : 'unreadable';
    throw new QuarryError(
      'CONFIG_INVALID',
      `${path}${place === undefined ? '' : `:${place.line}:${place.col}`} is not valid YAML: ${reason}`,
      {
        hint: 'settings are "name: value" lines; quarry init writes such a file',
        cause,
      },
    );
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new QuarryError('CONFIG_INVALID', `${path} must hold settings as "name: value" lines`);
  }
  const former = Object.values(SETTINGS).flatMap((setting: Setting) => setting.former?.name ?? []);
  const unknown = Object.keys(content).find((key) => !Object.hasOwn(SETTINGS, key) && !former.includes(key));
  if (unknown !== undefined) {
    const meant = nearest(unknown, Object.keys(SETTINGS));
    throw new QuarryError('CONFIG_INVALID', `${path}: unknown setting "${unknown}"`, {
      hint: meant === undefined ? `settings are ${Object.keys(SETTINGS).join(', ')}` : `did you mean "${meant}"?`,
    });
  }
  return content as Record<string, unknown>;
}

/** Environment variables that look like misspelt settings, each with the name probably meant. */
export function misspeltVariables(env: NonNullable<ConfigSources['env']>): { name: string; meant: string }[] {
  const known = Object.values(SETTINGS).flatMap((setting: Setting) =>
    [setting.env, setting.former?.env].filter((name) => name !== undefined),
  );
  known.push('QUARRY_CONFIG');
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith('QUARRY_') || known.includes(name)) return [];
    const meant = nearest(
      name.slice('QUARRY_'.length),
      known.map((each) => each.replace(/^QUARRY_/, '')),
    );
    return meant === undefined ? [] : [{ name, meant: known.find((each) => each.endsWith(meant)) ?? meant }];
  });
}
