// Runs what the documentation tells its readers to run. Every fenced block of README.md and docs/*.md has a language. Those in
// bash run in the order of the pages, in one home directory, on this machine alone; a page's blocks in ts are one program,
// type-checked and run. A comment before a block says what is different about it:
//   <!-- snippet: serves TEXT -->       it keeps running; the next block begins once it has printed TEXT
//   <!-- snippet: not run, REASON -->   its syntax and types are checked, and that the commands and flags exist
// Commands in console transcripts and in prose are checked to exist as well. Usage: after npm run build, node scripts/run-snippets.mjs [PAGE…]
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { silentContext } from '../dist/src/cli/command-reference.js';
import { allCommands } from '../dist/src/cli/commands/index.js';

/** Read in this order: later guides build on earlier ones. */
const FIRST = [
  'README.md',
  'docs/first-run.md',
  'docs/testnet.md',
  'docs/storage.md',
  'docs/operating.md',
  'docs/upgrading.md',
  'docs/migrating.md',
];
const LIMIT_MS = 180_000;

const root = resolve(import.meta.dirname, '..');
const home = mkdtempSync(join(tmpdir(), 'quarry-snippets-'));
const programs = join(root, '.cache', 'snippets');
const servers = [];
const failures = [];
const counts = { run: 0, typed: 0, 'not run': 0, commands: 0 };

process.once('exit', () => {
  for (const server of servers) {
    try {
      process.kill(-server.pid, 'SIGKILL');
    } catch {
      // Already ended.
    }
  }
  rmSync(home, { recursive: true, force: true });
});

/** What a reader's shell would have; `quarry` is this build. */
function environment() {
  const bin = join(home, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(
    join(bin, 'quarry'),
    `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'bin', 'quarry.js')}" "$@"\n`,
  );
  chmodSync(join(bin, 'quarry'), 0o755);
  const { LANG, TMPDIR } = process.env;
  return { HOME: home, PATH: `${bin}:${process.env.PATH}`, LANG, TMPDIR, CI: 'true', NO_COLOR: '1' };
}
const env = environment();

function fail(block, what, output = '') {
  failures.push(`${block.page}:${block.line}: ${what}`);
  console.error(`FAILED  ${block.page}:${block.line}: ${what}\n${output.split('\n').slice(-20).join('\n')}`);
}

/** The fenced blocks of a page, each with its line, language and remark, and the text between them. */
function read(page) {
  const lines = readFileSync(join(root, page), 'utf8').split('\n');
  const blocks = [];
  const text = [];
  let open;
  for (const [index, line] of lines.entries()) {
    const fence = /^\s*```(.*)$/.exec(line);
    if (open !== undefined) {
      if (fence !== null) open = undefined;
      else open.lines.push(line.slice(Math.min(open.indent, line.length - line.trimStart().length)));
    } else if (fence !== null) {
      const remark = /^\s*<!-- snippet: (.*) -->$/.exec(lines[index - 1] ?? '')?.[1];
      open = { page, line: index + 1, language: fence[1].trim(), remark, lines: [], indent: line.indexOf('```') };
      blocks.push(open);
    } else {
      text.push({ page, line: index + 1, lines: [line] });
    }
  }
  return { blocks, text };
}

const notRun = ({ remark }) => /^not run, ./.test(remark ?? '');

async function runBash(block) {
  const state = join(home, '.exported');
  const code = block.lines.join('\n');
  const syntax = spawnSync('bash', ['-n'], { input: code, encoding: 'utf8' });
  if (syntax.status !== 0) return fail(block, 'is not bash', syntax.stderr);
  if (notRun(block)) {
    counts['not run']++;
    return;
  }
  const serves = /^serves (.+)$/.exec(block.remark ?? '')?.[1];
  const load = existsSync(state) ? `. "${state}"\n` : '';
  const script = `set -euo pipefail\n${load}${code}\n${serves === undefined ? `export -p > "${state}"` : ''}`;
  const child = spawn('bash', ['-c', script], { cwd: home, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const seen = new Promise((done) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part) => {
        output += part;
        if (serves !== undefined && output.includes(serves)) done('serves');
      });
    }
  });
  if (serves !== undefined) servers.push(child);
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), LIMIT_MS);
  const ended = once(child, 'close').then(([code, signal]) => signal ?? code);
  const result = await Promise.race([ended, seen]);
  clearTimeout(timer);
  if (result !== (serves === undefined ? 0 : 'serves')) return fail(block, `ended with ${result}`, output);
  counts.run++;
}

/** The program's commands, by the words that invoke them. */
async function commandTree() {
  const tree = new Map();
  const visit = (command, path) => {
    tree.set(path, command);
    for (const child of command.commands) {
      for (const name of [child.name(), ...child.aliases()]) visit(child, `${path} ${name}`);
    }
  };
  for (const command of await allCommands(silentContext())) visit(command, command.name());
  return tree;
}

/** Looks up the words and flags after each `quarry` of a piece of shell text. */
function checkCommands(block, shell, tree) {
  const joined = shell.replace(/\\\n\s*/g, ' ');
  for (const [, rest] of joined.matchAll(/(?:^|[\s($`])(?:quarry|node bin\/quarry\.js) ([^\n|;&)`#]+)/g)) {
    const words = rest.trim().split(/\s+/);
    if (!/^[a-z]/.test(words[0])) continue;
    let path = words.shift();
    if (!tree.has(path)) {
      if (path === 'help') continue;
      fail(block, `there is no command quarry ${path}`);
      continue;
    }
    while (words.length > 0 && tree.has(`${path} ${words[0]}`)) path = `${path} ${words.shift()}`;
    counts.commands++;
    const command = tree.get(path);
    if (
      command.commands.length > 0 &&
      /^[a-z][a-z-]+$/.test(words[0] ?? '') &&
      command.registeredArguments.length === 0
    ) {
      fail(block, `there is no command quarry ${path} ${words[0]}`);
    }
    for (const word of words) {
      const flag = /^(--[a-z][a-z0-9-]*)/.exec(word)?.[1];
      if (flag === undefined || flag === '--help' || flag === '--version') continue;
      const known = command.options.some(
        ({ long, short, negate }) => [long, short].includes(flag) || (negate && long === flag),
      );
      if (!known) fail(block, `quarry ${path} has no ${flag}`);
    }
  }
}

/** Type-checks the programs of all pages at once, and runs those that can. */
async function typed(pages) {
  rmSync(programs, { recursive: true, force: true });
  mkdirSync(programs, { recursive: true });
  const written = [];
  for (const { blocks } of pages) {
    const ours = blocks.filter(({ language }) => language === 'ts');
    if (ours.length === 0) continue;
    const file = join(programs, `${basename(ours[0].page, '.md')}.ts`);
    writeFileSync(file, `${ours.map(({ lines }) => lines.join('\n')).join('\n')}\nexport {};\n`);
    written.push({ file, block: ours[0], skip: ours.some(notRun) });
  }
  if (written.length === 0) return;
  const config = join(programs, 'tsconfig.json');
  writeFileSync(
    config,
    JSON.stringify({
      extends: '../../tsconfig.json',
      compilerOptions: {
        noEmit: true,
        incremental: false,
        rootDir: '../..',
        noUnusedLocals: false,
        noUnusedParameters: false,
      },
      include: ['*.ts'],
      exclude: [],
    }),
  );
  const check = spawnSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', config], { cwd: root, encoding: 'utf8' });
  if (check.status !== 0) {
    failures.push('types of the programs');
    console.error(check.stdout);
  }
  for (const { file, block, skip } of written) {
    counts.typed++;
    if (skip) continue;
    const tsx = join(root, 'node_modules', '.bin', 'tsx');
    const child = spawn(tsx, [file], { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (part) => {
        output += part;
      });
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    const [code, signal] = await once(child, 'close');
    clearTimeout(timer);
    if (code !== 0) fail(block, `the program ended with ${signal ?? code}`, output);
    else counts.run++;
  }
}

const asked = process.argv.slice(2);
const all = [
  ...new Set([
    ...FIRST,
    ...readdirSync(join(root, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .sort()
      .map((name) => `docs/${name}`),
  ]),
];
const pages = all.filter((page) => asked.length === 0 || asked.includes(page)).map(read);
const tree = await commandTree();
for (const { blocks, text } of pages) {
  for (const line of text) for (const [, code] of line.lines[0].matchAll(/`([^`]+)`/g)) checkCommands(line, code, tree);
  for (const block of blocks) {
    if (block.language === '') fail(block, 'the block names no language');
    if (block.remark !== undefined && !/^(serves .+|not run, .+)$/.test(block.remark))
      fail(block, `"${block.remark}" says nothing`);
    if (block.language === 'bash') {
      checkCommands(block, block.lines.join('\n'), tree);
      await runBash(block);
    } else if (block.language === 'console') {
      for (const line of block.lines) if (line.startsWith('$ ')) checkCommands(block, line.slice(1), tree);
    }
  }
}
await typed(pages);
console.log(
  `snippets: ${counts.run} run, ${counts.typed} programs type-checked, ${counts['not run']} not run, ${counts.commands} commands looked up, ${failures.length} failed`,
);
process.exit(failures.length > 0 ? 1 : 0);
