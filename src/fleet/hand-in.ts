import type { MsgHdrs } from '@nats-io/transport-node';
import { QuarryError } from '../errors/index.js';
import { sleep } from '../net/index.js';
import type { FleetConnection } from './connection.js';
import type { Delivery } from './pull.js';
import type { Receipt } from './wire.js';

const ANSWER_LIMIT_MS = 5_000;
/** Attempts to deliver an answer before the job is left to another scorer. */
const ANSWER_TRIES = 12;

/**
 * Sends an answer to the coordinator. The job is acknowledged only once the coordinator has replied.
 *
 * @returns undefined when the coordinator cannot be reached; the job is then still in hand
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

/** The error that ends a scorer when the coordinator has quarantined it. */
export function quarantined(): QuarryError {
  return new QuarryError('FAILED_PRECONDITION', "the coordinator no longer accepts this scorer's answers", {
    hint: 'its scores differ from those of others: compare versions, memory and --engine reference',
  });
}
