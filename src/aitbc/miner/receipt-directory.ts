import { join } from 'node:path';
import { replaceFile } from '../../files/replace-file.js';
import type { ReceiptStore } from './miner-types.js';

/** Stores each receipt as `<job id>.json`, byte for byte as received. */
export function receiptDirectory(directory: string): ReceiptStore {
  return {
    async put(jobId, receipt) {
      // Job ids come from the server and must not escape the directory.
      const name = jobId.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 120);
      await replaceFile(join(directory, `${name}.json`), receipt, { mode: 0o666 });
    },
  };
}
