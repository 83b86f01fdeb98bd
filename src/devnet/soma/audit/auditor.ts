import { bytesToHex } from '@noble/hashes/utils.js';
import { cosineDistance, selectBest, withinAuditTolerance } from '../../../engine/reference/index.js';
import { blake2b256, type Digest } from '../../../soma/chain/digest.js';
import type { ObjectId } from '../../../soma/chain/id.js';
import type { Keypair } from '../../../soma/chain/keys/keypair.js';
import type { Manifest } from '../../../soma/chain/manifest.js';
import type { TargetPayload } from '../../../soma/chain/target.js';
import { scalarValue } from '../../../soma/chain/tensor.js';
import { encodeTransactionData, type TransactionData } from '../../../soma/chain/transaction/index.js';
import { cryptWeights } from '../../../soma/chain/weights-cipher.js';
import type { ExecutedTransaction } from '../ledger/ledger.js';
import { coinBalance, refOf } from '../ledger/ledger-object.js';
import type { DevnetNode } from '../node.js';
import type { ActiveModel } from '../state/model.js';
import { sameBytes } from '../state/same-bytes.js';
import type { AuditScore, AuditScorer } from './audit-scorer.js';

/** Result of an audit. */
export interface AuditVerdict {
  readonly targetId: ObjectId;
  readonly transaction: Digest;
  readonly fillEpoch: bigint;
  /** `unknown` if the models could not be run, which does not prove fraud. */
  readonly outcome: 'honest' | 'fraud' | 'unknown';
  /** Human-readable reason. */
  readonly reason: string;
  /** The audit's own scores, if it got that far. */
  readonly computed?: { readonly winner: ObjectId; readonly loss: number; readonly distance: number };
}

/** Options of an auditor. */
export interface AuditorOptions {
  /** Fraction of submissions audited, 0 to 1. */
  readonly share: number;
}

/** Dependencies of an auditor. */
export interface AuditorDeps {
  readonly node: DevnetNode;
  readonly scorer: AuditScorer;
  /** Validators that report dishonest submissions. */
  readonly validators: readonly Keypair[];
  /** Downloads the bytes at a manifest's URL. */
  readonly fetchBytes: (url: string) => Promise<Uint8Array>;
  readonly random: () => number;
}

/** Scores submissions again, and reports dishonest ones in the epoch after they filled their targets. */
export class Auditor {
  readonly verdicts: AuditVerdict[] = [];
  readonly #options: AuditorOptions;
  readonly #deps: AuditorDeps;
  readonly #running = new Map<Promise<void>, bigint>();
  readonly #weights = new Map<string, Promise<Uint8Array>>();
  #reporting: Promise<unknown> = Promise.resolve();
  #reported = new Set<ObjectId>();

  constructor(options: AuditorOptions, deps: AuditorDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Queues an audit if the transaction is a submission and is selected; returns immediately. */
  consider(transaction: ExecutedTransaction): void {
    const { kind } = transaction.data.kind;
    if (kind !== 'submitData' || transaction.effects.status.kind !== 'success') return;
    if (this.#deps.random() >= this.#options.share) return;
    const { targetId } = transaction.data.kind;
    const filled = transaction.written.find((each) => each.objectId === targetId);
    if (filled?.payload.type !== 'Target') return;
    const { target } = filled.payload;
    const { executedEpoch } = transaction.effects;
    // Use the models of this moment: an update may replace them before the audit runs.
    const { models } = this.#deps.node.ledger.state.modelRegistry;
    const active = target.modelIds.map((id) => {
      const model = models.get(id);
      return model?.state === 'active' ? model : undefined;
    });
    const run: Promise<void> = this.#audit(targetId, target, active)
      .catch((error: unknown): Finding => ({ outcome: 'unknown', reason: String(error) }))
      .then((finding) => {
        this.verdicts.push({ targetId, transaction: transaction.digest, fillEpoch: executedEpoch, ...finding });
        this.#running.delete(run);
      });
    this.#running.set(run, executedEpoch);
  }

  /**
   * Waits for the audits of targets filled up to `epoch`, and for their reports if the window is open.
   *
   * @param waitMs maximum wait; longer audits continue, but may finish too late to be reported
   */
  async settle(epoch: bigint, waitMs: number): Promise<void> {
    const due = [...this.#running].filter(([, filled]) => filled <= epoch).map(([run]) => run);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, waitMs);
    });
    await Promise.race([Promise.all(due), patience]);
    clearTimeout(timer);
    await this.report();
  }

  /** Reports dishonest submissions that filled a target in the previous epoch. */
  report(): Promise<void> {
    const run = this.#reporting.then(() => this.#report());
    this.#reporting = run.catch(() => {});
    return run;
  }

  async #report(): Promise<void> {
    const { epoch } = this.#deps.node.ledger.state;
    for (const { targetId, outcome, fillEpoch } of this.verdicts) {
      if (outcome !== 'fraud' || fillEpoch + 1n !== epoch || this.#reported.has(targetId)) continue;
      this.#reported.add(targetId);
      for (const validator of this.#deps.validators) await this.#send(validator, targetId);
    }
  }

  async #send(validator: Keypair, targetId: ObjectId): Promise<void> {
    const { node } = this.#deps;
    const gas = [...node.ledger.objects.ownedBy(validator.address)]
      .filter((each) => each.payload.type === 'Coin')
      .sort((a, b) => (coinBalance(a) > coinBalance(b) ? -1 : 1))[0];
    if (gas === undefined) return;
    const data: TransactionData = {
      kind: { kind: 'reportSubmission', targetId },
      sender: validator.address,
      gasPayment: [refOf(gas)],
    };
    await node.submit(data, [validator.signTransaction(encodeTransactionData(data))]);
  }

  async #audit(
    targetId: ObjectId,
    target: TargetPayload,
    models: readonly (ActiveModel | undefined)[],
  ): Promise<Finding> {
    const manifest = target.winningDataManifest;
    const claimedDistance = target.winningDistanceScore;
    const claimedLoss = target.winningLossScore;
    if (manifest === undefined || claimedDistance === undefined || claimedLoss === undefined) {
      return { outcome: 'unknown', reason: `target ${targetId} is not filled` };
    }
    const data = await this.#fetchVerified(manifest);
    if (typeof data === 'string') return { outcome: 'fraud', reason: `the data ${data}` };
    if (data.length === 0) return { outcome: 'unknown', reason: 'the data is empty and cannot be scored' };
    const scores: AuditScore[] = [];
    for (const model of models) {
      if (model === undefined) return { outcome: 'unknown', reason: 'a model of the target is no longer active' };
      const weights = await this.#plainWeights(model);
      const sampleKey = bytesToHex(manifest.checksum);
      scores.push(await this.#deps.scorer.score(sampleKey, data, modelKey(model), weights));
    }
    return judge(target, scores, scalarValue(claimedDistance), claimedLoss.values);
  }

  async #fetchVerified(manifest: Manifest): Promise<Uint8Array | string> {
    let problem = 'cannot be fetched';
    for (let attempt = 0; attempt < FETCH_ATTEMPTS; attempt++) {
      try {
        const bytes = await this.#deps.fetchBytes(manifest.url);
        if (BigInt(bytes.length) === manifest.size && sameBytes(blake2b256(bytes), manifest.checksum)) return bytes;
        problem = 'is not what the manifest says';
      } catch {
        problem = 'cannot be fetched';
      }
    }
    return problem;
  }

  #plainWeights(model: ActiveModel): Promise<Uint8Array> {
    const key = modelKey(model);
    let weights = this.#weights.get(key);
    if (weights === undefined) {
      weights = this.#fetchVerified(model.manifest).then((bytes) => {
        if (typeof bytes === 'string') throw new TypeError(`the weights: ${bytes}`);
        return cryptWeights(bytes, model.decryptionKey);
      });
      this.#weights.set(key, weights);
      weights.catch(() => this.#weights.delete(key));
    }
    return weights;
  }
}

/** Download attempts before the bytes count as missing. */
const FETCH_ATTEMPTS = 3;

type Finding = Pick<AuditVerdict, 'outcome' | 'reason' | 'computed'>;

function modelKey(model: ActiveModel): string {
  return bytesToHex(blake2b256(model.manifest.checksum, model.decryptionKey));
}

/** Compares a submission's claims with the audit's scores. */
function judge(
  target: TargetPayload,
  scores: readonly AuditScore[],
  claimedDistance: number,
  claimedLoss: Float32Array,
): Finding {
  const best = selectBest(scores.map((each) => each.loss));
  const winner = best === undefined ? undefined : target.modelIds[best];
  const score = best === undefined ? undefined : scores[best];
  if (winner === undefined || score === undefined) return { outcome: 'unknown', reason: 'the target names no model' };
  const distance = cosineDistance(score.embedding, target.embedding.values);
  const computed = { winner, loss: score.loss, distance };
  if (winner !== target.winningModelId) return { outcome: 'fraud', reason: 'another model wins', computed };
  if (!withinAuditTolerance(distance, claimedDistance)) {
    return { outcome: 'fraud', reason: `the distance is ${distance}, not ${claimedDistance}`, computed };
  }
  const [loss] = claimedLoss;
  if (loss === undefined || claimedLoss.length !== 1 || !withinAuditTolerance(score.loss, loss)) {
    return { outcome: 'fraud', reason: `the loss is ${score.loss}, not ${[...claimedLoss].join(', ')}`, computed };
  }
  return { outcome: 'honest', reason: 'as claimed', computed };
}
