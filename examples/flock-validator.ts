// A validator that scores one assignment with a function of its own.
//   FLOCK_API_KEY=… npx tsx examples/flock-validator.ts 7
import { readFile } from 'node:fs/promises';
import { FlockClient, validatorLoop } from 'quarry-miner/flock';

const { FLOCK_API_KEY: apiKey = '', FLOCK_BASE_URL: baseUrl } = process.env;
const client = new FlockClient({ apiKey, ...(baseUrl && { baseUrl }) });
const events = validatorLoop(
  {
    taskIds: [Number(process.argv[2] ?? 7)],
    maxAssignments: 1,
    scorer: async ({ input, evalFile }) => {
      const lines = evalFile === undefined ? [] : (await readFile(evalFile, 'utf8')).trim().split('\n');
      console.log(`scoring ${String(input['hg_repo_id'])} on ${lines.length} lines`);
      return { verdict: 'scored', metrics: { loss: 1.0 } };
    },
  },
  { client },
);
for await (const event of events) console.log(event);
await client.close();
