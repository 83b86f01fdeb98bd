import { type Command, Option } from 'commander';
import {
  type Config,
  loadConfig,
  misspeltVariables,
  SETTINGS,
  type Setting,
  type SettingName,
} from '../config/index.js';
import type { CliContext } from './context.js';
import { tell } from './print.js';

/** Settings of this machine's scoring engine. */
export const ENGINE_SETTINGS = ['engine', 'isa', 'precision', 'onnxProvider', 'devices', 'workers', 'threads'] as const;

/** Settings of a fleet that a miner coordinates. */
export const COORDINATOR_SETTINGS = [
  'nats',
  'natsCreds',
  'natsCa',
  'natsReplicas',
  'fleet',
  'verifyShare',
  'shareWeights',
  'keepRows',
  'gatherMs',
  'confirmBondSoma',
] as const;

/** Adds the flags of these settings, and `--config`, to a command. */
export function addSettings(command: Command, names: readonly SettingName[]): Command {
  addSettingFlags(command, names);
  return addDotenvFlag(
    command.addOption(new Option('--config <file>', 'settings as YAML (default: quarry.yaml, if present)')),
  );
}

/**
 * Adds the flag for a `.env` file, which is read before the command line is parsed. Its former name is also one of Node's,
 * which takes it wherever it stands, and ends with a message and a status of its own where it cannot read the file.
 */
export function addDotenvFlag(command: Command): Command {
  return command
    .option('--dotenv <file>', 'file with further environment variables (default: .env, if present)')
    .addOption(new Option('--env-file <file>').hideHelp());
}

/** Adds only the flags of these settings, for commands whose `--config` is a model configuration. */
export function addSettingFlags(command: Command, names: readonly SettingName[]): Command {
  for (const name of names) {
    const setting: Setting = SETTINGS[name];
    if (setting.flag === undefined) continue;
    // Leave defaults and choices to the schema: commander could not tell a default from a given value.
    const choices = setting.choices === undefined ? '' : ` (${setting.choices.join(', ')})`;
    const fallback = setting.default === undefined || setting.default === false ? '' : ` [${String(setting.default)}]`;
    command.addOption(new Option(setting.flag, `${setting.help}${choices}${fallback}`));
    if (setting.former?.flag !== undefined) command.addOption(new Option(setting.former.flag).hideHelp());
  }
  return command;
}

/** The merged configuration of a command: flags over environment over file over defaults. */
export async function configOf(context: CliContext, flags: Readonly<Record<string, unknown>>): Promise<Config> {
  for (const { name, meant } of misspeltVariables(context.env))
    tell(context, `${name} is ignored: did you mean ${meant}?`);
  const file = flags['config'];
  return loadConfig({ flags, env: context.env, signal: context.signal, ...(typeof file === 'string' && { file }) });
}
