import type { MsgHdrs } from '@nats-io/transport-node';
import { QuarryError } from '../errors/index.js';
import { sleep } from '../http/index.js';
import type { FleetConnection } from './connection.js';
import type { Delivery } from './pull.js';
import type { Receipt } from './wire.js';

const ANSWER_LIMIT_MS = 5_000;
/** Tries to hand an answer in; then another shall have the job. */
const ANSWER_TRIES = 12;

/**
 * Hands an answer in; the job leaves the queue only once the coordinator has it.
 *
 * @returns undefined when the coordinator cannot be reached: the job is still ours
 */
export async function handIn(
  { nc }: FleetConnection,
  delivery: Delivery,
  reply: string,
  { data, headers }: { readonly data: Uint8Array; readonly headers: MsgHdrs },
): Promise<Receipt | undefined> {
  for (let tries = 0; tries < ANSWER_TRIES; tries++) {
    try {
      const receipt = (await nc.request(reply, data, { headers, timeout: ANSWER_LIMIT_MS })).string() as Receipt;
      if (receipt === 'taken') delivery.ack();
      else delivery.term();
      return receipt;
    } catch {
      await sleep(500);
    }
  }
  return undefined;
}

/** What ends a scorer that the coordinator has put into quarantine. */
export function quarantined(): QuarryError {
  return new QuarryError('FAILED_PRECONDITION', "the coordinator no longer accepts this scorer's answers", {
    hint: 'its scores differ from those of others: compare versions, memory and --engine reference',
  });
}
