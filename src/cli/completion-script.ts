import type { Command } from 'commander';

/** Supported shells. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** Generates a shell script that completes the commands of `program` and their flags. */
export function completionScript(program: Command, shell: Shell): string {
  const words = wordsByPath(program);
  if (shell === 'fish') return fishScript(words);
  const cases = words.map(([path, list]) => `    '${path}') words='${list.join(' ')}' ;;`).join('\n');
  // zsh can run bash completions.
  const head = shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : '';
  return `${head}_quarry() {
  local path='' word words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    [[ $word == -* ]] && break
    path="\${path:+$path }$word"
  done
  case "$path" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _quarry quarry
`;
}

function fishScript(words: readonly (readonly [path: string, words: readonly string[]])[]): string {
  const lines = words.map(([path, list]) => {
    const condition = `test (string join " " -- (commandline -opc)[2..] | string replace -r " ?-.*" "") = "${path}"`;
    return `complete -c quarry -n '${condition}' -a '${list.join(' ')}'`;
  });
  return `${lines.join('\n')}\n`;
}

/** Completions for each command path: subcommands, and the flags shown in help. */
function wordsByPath(command: Command, path = ''): [path: string, words: string[]][] {
  const help = command.createHelp();
  const names = command.commands.map((child) => child.name());
  const flags = help.visibleOptions(command).flatMap((option) => option.long ?? []);
  const below = command.commands.flatMap((child) => wordsByPath(child, `${path} ${child.name()}`.trim()));
  return [[path, [...names, ...flags]], ...below];
}
