import { QuarryError } from '../errors/index.js';
import type { DataHost } from '../hosting/index.js';

const refuse = async (): Promise<string> => {
  throw new QuarryError('FAILED_PRECONDITION', 'a miner that scores for another does not host data');
};

/** Host of a miner that submits nothing; publishing throws. */
export const NO_HOST: DataHost = {
  name: 'none',
  publish: refuse,
  publishFile: refuse,
  remove: async () => {},
  close: async () => {},
};
