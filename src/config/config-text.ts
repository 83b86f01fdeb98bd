import { stringify } from 'yaml';
import type { Setting } from './setting.js';
import { SETTINGS } from './settings/index.js';

const WIDTH = 100;

/**
 * The text of a config file with every setting: those in `values` are set, the others are commented out with their
 * defaults. Secrets are commented out too, with a pointer to the environment.
 *
 * @param values by setting name, as `loadConfig` returns them
 */
export function configText(values: Readonly<Record<string, unknown>>): string {
  const parts = [
    '# Settings of Quarry. Flags override the environment, the environment overrides this file.',
    '# quarry doctor --network checks what mining needs.',
  ];
  for (const [name, setting] of Object.entries(SETTINGS) as [string, Setting][]) {
    parts.push(`\n${comment(describe(setting))}`);
    const value = values[name];
    if (value !== undefined) parts.push(stringify({ [name]: value }, { lineWidth: 0 }).trimEnd());
    else if (setting.secret) parts.push(`# ${name}: set ${setting.env} in the environment`);
    else parts.push(`# ${name}: ${setting.default === undefined ? '' : String(setting.default)}`.trimEnd());
  }
  return `${parts.join('\n')}\n`;
}

function describe({ help, choices, env }: Setting): string {
  const among = choices === undefined ? '' : ` (${choices.join(', ')})`;
  return `${help}${among}${env === undefined ? '' : `; ${env}`}`;
}

function comment(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.length - 1;
    if (lines[last]!.length + word.length + 3 > WIDTH) lines.push(word);
    else lines[last] = lines[last] === '' ? word : `${lines[last]} ${word}`;
  }
  return lines.map((line) => `# ${line}`).join('\n');
}
