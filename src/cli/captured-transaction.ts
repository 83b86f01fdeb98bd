import { QuarryError } from '../errors/index.js';
import type { SignedTransaction, Signer } from '../soma/chain/index.js';
import type { SendOptions, SomaAccount } from '../soma/client/account/soma-account.js';
import type { SomaClient } from '../soma/client/soma-client.js';

/** Aborts a send on purpose, between signing and the network. */
class NotSent extends QuarryError {
  constructor() {
    super('ABORTED', 'the transaction was built and not sent');
  }
}

/**
 * Builds the transaction that a call of an account would send, with its coins and signed by `signer`, but does not send
 * it.
 */
export async function captureTransaction(
  client: SomaClient,
  signer: Signer,
  send: (account: SomaAccount, options: SendOptions) => Promise<unknown>,
  signal: AbortSignal,
): Promise<SignedTransaction> {
  let captured: SignedTransaction | undefined;
  const onSigned = (signed: SignedTransaction): never => {
    captured = signed;
    throw new NotSent();
  };
  try {
    await send(client.account(signer), { signal, onSigned });
  } catch (error) {
    if (!(error instanceof NotSent)) throw error;
  }
  if (captured !== undefined) return captured;
  throw new QuarryError('FAILED_PRECONDITION', 'there is nothing to send');
}

/** Stands in for a key held elsewhere: its signature is empty. */
export function keylessSigner(address: string): Signer {
  return { address, signTransaction: () => new Uint8Array() };
}
