// Lists the open tasks of FLock's AI Arena with the time left. Needs no key.
//   npx tsx examples/flock-tasks.ts
import { describeTask, FlockClient, formatParams } from 'quarry-miner/flock';

const flock = new FlockClient({ ...(process.env['FLOCK_BASE_URL'] && { baseUrl: process.env['FLOCK_BASE_URL'] }) });
for (const task of await flock.tasks.open()) {
  const view = describeTask(task, flock.clock.now());
  console.log(
    `${view.id}  ${view.title}  up to ${formatParams(view.maxParams ?? 0)} parameters, ${view.countdown} left`,
  );
}
await flock.close();
