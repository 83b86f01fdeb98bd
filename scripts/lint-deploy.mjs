// Lints every file of deploy/ with the tool for its format, and checks that each tool refuses a planted mistake: a lint that
// passes everything is useless. Tools that are not installed are skipped by name. Usage: node scripts/lint-deploy.mjs
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const REQUIREMENTS = join(import.meta.dirname, 'lint-deploy.txt');
const CACHE = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
const PINNED = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 16);
const VENV = join(CACHE, 'quarry-lint-deploy', PINNED);
const inVenv = (name) => join(VENV, 'bin', name);

/** Runs a command: whether it succeeded, and its output. */
function run(command, args, env = {}) {
  const options = { cwd: ROOT, encoding: 'utf8', env: { ...process.env, ...env } };
  const { status, stdout, stderr, error } = spawnSync(command, args, options);
  return { ok: status === 0, said: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim() };
}

/** Tools from the package index, of the versions in lint-deploy.txt. Returns the reason when they cannot be had. */
function installTools() {
  if (existsSync(join(VENV, 'complete'))) return undefined;
  const made = run('python3', ['-m', 'venv', '--clear', VENV]);
  if (!made.ok) return `python3 makes no venv (Debian: python3-venv): ${made.said}`;
  const installed = run(inVenv('pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS]);
  if (!installed.ok) return installed.said.split('\n').at(-1);
  writeFileSync(join(VENV, 'complete'), '');
  return undefined;
}

/** The unit starts what is not installed here; unknown settings are warnings that do not change the exit status. */
function lintUnit(path) {
  writeFileSync(path, readFileSync(path, 'utf8').replace('/usr/local/bin/quarry', '/bin/true'));
  const { ok, said } = run('systemd-analyze', ['verify', '--man=no', path]);
  const complaints = said.split('\n').filter((line) => line.includes('quarry.service'));
  return { ok: ok && complaints.length === 0, said: complaints.join('\n') || said };
}

function lintRotation(path) {
  const { ok, said } = run('logrotate', ['--debug', path]);
  return { ok: ok && !/^error:/m.test(said), said };
}

/** Panels checked by Grafana's own schema, as a literal of its type, so that unknown properties are errors too. */
function lintDashboard(path) {
  const program = `${path}.ts`;
  const text = readFileSync(path, 'utf8');
  writeFileSync(program, `import type { Dashboard } from '@grafana/schema';\nexport const it: Dashboard = ${text};\n`);
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--ignoreConfig'];
  return run(join(ROOT, 'node_modules/.bin/tsc'), [...flags, program]);
}

/** The panels' expressions as rules, for Prometheus to parse. */
function lintExpressions(path) {
  const { panels } = JSON.parse(readFileSync(path, 'utf8'));
  const asked = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const rules = asked.map((expr, n) => ({ record: `panel_${n}`, expr: expr.replaceAll('$__rate_interval', '5m') }));
  writeFileSync(`${path}.rules.yaml`, JSON.stringify({ groups: [{ name: 'panels', rules }] }));
  return run('promtool', ['check', 'rules', `${path}.rules.yaml`]);
}

const COMPOSE_SECRETS = { SOMA_SECRET_KEY: 'x', QUARRY_API_TOKEN: 'x' };
/** Each with the tool it needs and a planted mistake: a text of the file and its replacement. */
const LINTS = [
  {
    file: 'Dockerfile',
    tool: inVenv('hadolint'),
    lint: (path) => run(inVenv('hadolint'), [path]),
    mistake: ['USER 1000', 'USER root'],
  },
  {
    file: 'compose.yaml',
    tool: 'docker-compose',
    lint: (path) => run('docker-compose', ['-f', path, 'config', '-q'], COMPOSE_SECRETS),
    mistake: ['cap_drop:', 'drop_caps:'],
  },
  {
    file: 'kubernetes.yaml',
    tool: inVenv('kubernetes-validate'),
    lint: (path) => run(inVenv('kubernetes-validate'), ['--strict', path]),
    mistake: ['readOnlyRootFilesystem', 'readonlyRootFilesystem'],
  },
  { file: 'quarry.service', tool: 'systemd-analyze', lint: lintUnit, mistake: ['ProtectSystem=', 'ProtectSytem='] },
  { file: 'logrotate.conf', tool: 'logrotate', lint: lintRotation, mistake: ['rotate 14', 'rotate often'] },
  {
    file: 'alerts.yaml',
    tool: 'promtool',
    lint: (path) => run('promtool', ['check', 'rules', path]),
    mistake: ['expr:', 'exp:'],
  },
  { file: 'grafana/quarry.json', tool: 'tsc', lint: lintDashboard, mistake: ['"gridPos"', '"gridPosition"'] },
  { file: 'grafana/quarry.json', tool: 'promtool', lint: lintExpressions, mistake: ['sum by (', 'sum by by ('] },
];

/** Copies a file of deploy/ into `dir`, with the mistake if one is given, and lints the copy. */
function tryOut(dir, { file, lint }, [from, to] = ['', '']) {
  const text = readFileSync(join(ROOT, 'deploy', file), 'utf8');
  if (!text.includes(from)) return { ok: true, said: `${file} does not contain ${from}` };
  const path = join(dir, file.split('/').at(-1));
  writeFileSync(path, text.replace(from, to));
  return lint(path);
}

const missing = installTools();
const hasTool = (tool) => tool === 'tsc' || run(tool, ['--version']).ok || run(tool, ['version']).ok;
mkdirSync(join(ROOT, '.cache'), { recursive: true });
const dir = mkdtempSync(join(ROOT, '.cache/lint-deploy-'));
let failed = 0;
try {
  for (const each of LINTS) {
    const { file, tool, mistake } = each;
    const name = tool.split('/').at(-1);
    if (!hasTool(tool)) {
      console.log(`SKIPPED ${file}: no ${name} here${tool === name || missing === undefined ? '' : `: ${missing}`}`);
      continue;
    }
    const found = tryOut(dir, each);
    const wrong = tryOut(dir, each, mistake);
    if (!found.ok) console.log(`${file}: refused by ${name}\n${found.said}`);
    else if (wrong.ok)
      console.log(`${file}: ${name} does not refuse a mistake (${mistake.join(' -> ')})\n${wrong.said}`);
    else console.log(`${file}: ok, by ${name}`);
    if (!found.ok || wrong.ok) failed++;
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;
