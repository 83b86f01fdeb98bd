/**
 * Pages through 10,000 wallet submissions over loopback, keeps the best per link and renders them as a table.
 *
 *   npm run build && node dist/bench/flock-submissions.js [rows]
 */
import { cpus } from 'node:os';
import { SUBS_COLUMNS } from '../src/cli/commands/flock/submissions.js';
import { LedgerServer } from '../src/devnet/flock/ledger-server.js';
import { bestSubmissions, FlockClient, type WalletSubmission } from '../src/flock/index.js';
import { renderTable } from '../src/text/index.js';

const count = Number(process.argv[2] ?? 10_000);
const ledger = await new LedgerServer().listen();
for (let i = 0; i < count; i++) {
  ledger.addSubmission(
    7,
    { hg_repo_id: `miner/task-7-model-${i}` },
    { submission_phase_score: i % 3 === 0 ? null : (i * 7919) % 1000 },
  );
}
const client = new FlockClient({ baseUrl: ledger.url, apiKey: ledger.apiKey });
const startedAt = performance.now();
const rows: WalletSubmission[] = [];
for await (const row of client.submissions.all(7)) rows.push(row);
const pagedAt = performance.now();
const best = bestSubmissions(rows);
const table = renderTable(best, SUBS_COLUMNS, { columns: 120 });
const endedAt = performance.now();
console.log(`machine   ${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, Node ${process.version}`);
console.log(`rows      ${rows.length} in ${ledger.requests.length} pages, table of ${table.split('\n').length} lines`);
console.log(`paging    ${(pagedAt - startedAt).toFixed(0)} ms`);
console.log(`render    ${(endedAt - pagedAt).toFixed(0)} ms`);
console.log(`in all    ${(endedAt - startedAt).toFixed(0)} ms`);
await client.close();
await ledger.close();
if (rows.length !== count || endedAt - startedAt > 2000) process.exitCode = 1;
