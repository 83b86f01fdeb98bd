import { QuarryError, type QuarryErrorOptions } from '../../../errors/index.js';
import { digestToBytes, isDigest } from '../../chain/index.js';

/** Response header with the first four bytes of the chain's id in hex. */
export const CHAIN_HEADER = 'x-soma-chain-id';

/** What to do once a chain is gone. */
const CHAIN_GONE_HINT =
  'the network was reset, or the URL leads to another one: once all URLs lead to the chain you want, start again';

/** A fullnode is on another chain than the client: `CONFIG_INVALID`. */
export class OtherChainError extends QuarryError {
  constructor(message: string, options: QuarryErrorOptions) {
    super('CONFIG_INVALID', message, { ...options, hint: options.hint ?? CHAIN_GONE_HINT });
  }
}

/**
 * The chain of a client: the first one that its fullnode names. Coins, targets and checkpoint numbers of another one mean
 * nothing here, and another one can be behind the same URL at any time: when a network is reset, its chain begins anew.
 */
export class KnownChain {
  #chainId: string | undefined;
  #begins: string | undefined;

  /**
   * Takes the chain that a fullnode has named.
   *
   * @throws OtherChainError when another one is known
   */
  identify(chainId: string, url: string): void {
    if (this.#chainId !== undefined && this.#chainId !== chainId) {
      throw changed(url, { chainId, expectedChainId: this.#chainId });
    }
    this.#chainId = chainId;
    if (isDigest(chainId)) this.#begins = Buffer.from(digestToBytes(chainId).subarray(0, 4)).toString('hex');
  }

  /** Why an answer whose `x-soma-chain-id` is this is refused; `undefined` if it is not. */
  refusal(begins: string, url: string): QuarryError | undefined {
    if (this.#begins === undefined || !/^[0-9a-f]{8}$/i.test(begins)) return undefined;
    if (begins.toLowerCase() === this.#begins) return undefined;
    return changed(url, { chainIdBegins: begins, expectedBegins: this.#begins });
  }
}

function changed(url: string, details: Readonly<Record<string, string>>): OtherChainError {
  return new OtherChainError(`${url} has changed to another chain`, { details: { url, ...details } });
}
