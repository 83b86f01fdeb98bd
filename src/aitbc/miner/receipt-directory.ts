import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReceiptStore } from './miner-types.js';

/** Stores each receipt as `<job id>.json`, byte for byte as received. */
export function receiptDirectory(directory: string): ReceiptStore {
  return {
    async put(jobId, receipt) {
      await mkdir(directory, { recursive: true });
      // Job ids come from the server and must not escape the directory.
      const name = jobId.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 120);
      const path = join(directory, `${name}.json`);
      await writeFile(`${path}.part`, receipt);
      await rename(`${path}.part`, path);
    },
  };
}
