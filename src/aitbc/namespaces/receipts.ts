import type { CallOptions } from '../dialects/dialect.js';
import { documentedVerification } from '../dialects/live.js';
import type { ReceiptCheck } from '../models.js';
import { type ReceiptVerification, type VerifyReceiptOptions, verifyReceipt } from '../receipts/index.js';
import { fromWire } from '../wire.js';
import type { Run } from './jobs.js';
import { Receipt } from './receipt.js';

/** Result of verifying all receipts of a job locally. */
export interface ReceiptSummary {
  readonly jobId: string;
  readonly total: number;
  readonly verifiedCount: number;
  readonly allVerified: boolean;
  readonly failures: readonly { readonly receiptId: string | undefined; readonly reasons: readonly string[] }[];
  /** Number of occurrences of each reason. */
  readonly failureReasons: Readonly<Record<string, number>>;
  readonly latestVerified: Receipt | undefined;
}

/** Dependencies of the receipts namespace. */
export interface ReceiptsDeps {
  readonly run: Run;
  /** The client's pinned keys; those of a call are added. */
  readonly pins: Pick<VerifyReceiptOptions, 'trustedSigners' | 'trustedAttesters'>;
  readonly now: () => number;
}

/** `client.receipts`. */
export class ReceiptsNamespace {
  readonly #deps: ReceiptsDeps;

  constructor(deps: ReceiptsDeps) {
    this.#deps = deps;
  }

  /** A job's latest receipt, with the exact text its signature covers. */
  async get(jobId: string, options: CallOptions = {}): Promise<Receipt> {
    const text = await this.#deps.run('receipts.get', options, (dialect) => dialect.getReceipt(jobId, options));
    return Receipt.parse(text);
  }

  /** All receipts of a job. */
  async history(jobId: string, options: CallOptions = {}): Promise<Receipt[]> {
    const texts = await this.#deps.run('receipts.history', options, (dialect) =>
      dialect.getReceiptHistory(jobId, options),
    );
    return texts.map((text) => Receipt.parse(text));
  }

  /**
   * Asks the coordinator to verify, as documented; live coordinators cannot, so this verifies locally. A server's
   * answer is only as trustworthy as the server: prefer {@link verifyLocal}.
   */
  async verify(receipt: Receipt | string, options: VerifyReceiptOptions & CallOptions = {}): Promise<ReceiptCheck> {
    const text = typeof receipt === 'string' ? receipt : receipt.text;
    const { signal, ...verify } = options;
    return fromWire(
      await this.#deps.run('receipts.verify', { signal }, (dialect) =>
        dialect.verifyReceipt(text, this.#pinned(verify), { signal }),
      ),
    );
  }

  /** Verifies locally, without any request. */
  verifyLocal(receipt: Receipt | string | Uint8Array, options: VerifyReceiptOptions = {}): ReceiptVerification {
    return verifyReceipt(receipt instanceof Receipt ? receipt.text : receipt, this.#pinned(options));
  }

  /** Converts a local verification to the documented response. */
  check(verification: ReceiptVerification): ReceiptCheck {
    return fromWire(documentedVerification(verification, this.#deps.now()));
  }

  /** Verifies all receipts of a job locally. */
  async summarize(jobId: string, options: VerifyReceiptOptions & CallOptions = {}): Promise<ReceiptSummary> {
    const receipts = await this.history(jobId, { signal: options.signal });
    const failures: ReceiptSummary['failures'][number][] = [];
    const failureReasons: Record<string, number> = {};
    let latestVerified: Receipt | undefined;
    for (const receipt of receipts) {
      const result = this.verifyLocal(receipt, options);
      if (result.verified) {
        if ((receipt.completedAtSeconds ?? 0) >= (latestVerified?.completedAtSeconds ?? 0)) latestVerified = receipt;
        continue;
      }
      failures.push({ receiptId: receipt.receiptId, reasons: result.failureReasons });
      for (const reason of result.failureReasons) failureReasons[reason] = (failureReasons[reason] ?? 0) + 1;
    }
    return {
      jobId,
      total: receipts.length,
      verifiedCount: receipts.length - failures.length,
      allVerified: failures.length === 0 && receipts.length > 0,
      failures,
      failureReasons,
      latestVerified,
    };
  }

  #pinned(options: VerifyReceiptOptions): VerifyReceiptOptions {
    const { trustedSigners, trustedAttesters } = this.#deps.pins;
    return {
      ...options,
      trustedSigners: [...(trustedSigners ?? []), ...(options.trustedSigners ?? [])],
      trustedAttesters: [...(trustedAttesters ?? []), ...(options.trustedAttesters ?? [])],
    };
  }
}
