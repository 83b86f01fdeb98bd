import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Lets go of everything that nothing refers to. What a turn of the event loop has looked at stays until the next. */
export async function freeGarbage(): Promise<void> {
  for (let n = 0; n < 2; n++) {
    await new Promise(setImmediate);
    collect();
  }
}

/** Bytes of the JavaScript heap that are in use. */
export async function heapUsed(): Promise<number> {
  await freeGarbage();
  return process.memoryUsage().heapUsed;
}
