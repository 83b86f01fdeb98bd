// Downloads a training set, uploads a trained model, checks it and submits it.
//   FLOCK_API_KEY=… HF_TOKEN=hf_… npx tsx examples/flock-publish.ts 7 alice/task-7-model outputs
import { FlockClient, submitChecked, uploadFolder } from 'quarry-miner/flock';

const [task = '7', repo = 'alice/task-7-model', dir = 'outputs'] = process.argv.slice(2);
const { FLOCK_API_KEY: apiKey = '', HF_TOKEN: token = '', FLOCK_BASE_URL: baseUrl, HF_ENDPOINT: hubUrl } = process.env;
const client = new FlockClient({ apiKey, ...(baseUrl && { baseUrl }) });

const set = await client.tasks.downloadTrainingSet(task, { dest: `data/task-${task}.jsonl`, overwrite: true });
console.log(`${set.path}: ${set.jsonl?.lines} lines, sha256 ${set.sha256}`);

// … train here, into `dir` …

const { oid } = await uploadFolder({ repo, dir, token, ...(hubUrl && { hubUrl }) });
const { report, outcome } = await submitChecked(
  { taskId: task, repo, revision: oid ?? 'main', baseModel: 'qwen1.5', gpuType: 'RTX 4090', ...(hubUrl && { hubUrl }) },
  { client },
);
for (const check of report.checks) console.log(`${check.result.padEnd(5)} ${check.name}: ${check.detail}`);
console.log(outcome?.reconciled ? 'submitted (the reply was lost, the row was found)' : 'submitted');
await client.close();
