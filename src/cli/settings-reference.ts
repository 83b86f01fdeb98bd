import { SETTING_GROUPS, type Setting } from '../config/index.js';

const INTRODUCTION = `# Settings

Generated from the definitions of the settings by \`npm run build && node scripts/write-command-reference.mjs\`.

A setting is read from its flag, else its environment variable, else a \`.env\` file (\`--dotenv\`), else
\`quarry.yaml\` (\`--config\`, \`QUARRY_CONFIG\`), else from its default. \`quarry init\` writes a commented file. Secrets have no flag:
arguments are visible to every user of a machine; a file with a secret must be readable only by its owner (mode 0600). Lists are
comma-separated in variables and flags.
`;

/** `docs/settings.md`: all settings with their variables, flags and defaults. */
export function settingsReference(): string {
  const parts = Object.entries<Readonly<Record<string, Setting>>>(SETTING_GROUPS).map(([title, settings]) => {
    const rows = Object.entries(settings).map(([name, setting]) => `| ${row(name, setting).join(' | ')} |`);
    return `## ${title}\n\n| setting | variable | flag | default | does |\n|---|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return [INTRODUCTION, ...parts].join('\n');
}

function row(name: string, { env, flag, default: fallback, choices, min, secret, help }: Setting): string[] {
  const notes = [
    choices && `one of ${choices.join(', ')}`,
    min !== undefined && `at least ${min}`,
    secret && 'a secret',
  ].filter(Boolean);
  const code = (text: unknown): string =>
    text === undefined || String(text) === '' ? '' : `\`${String(text).replaceAll('|', '\\|')}\``;
  const told = [help, ...notes].join('; ').replace(/[|<>]/g, '\\$&');
  return [code(name), code(env), code(flag), code(fallback), told];
}
