import { randomBytes } from 'node:crypto';
import { isLosslessNumber, LosslessNumber } from 'lossless-json';
import type { JobRecord } from './coordinator-book.js';
import { isJsonObject, type JsonObject, parseExact, writeExact } from './json.js';
import { signMembers } from './receipt-signing.js';

/** Raw Ed25519 seeds, 32 bytes each. */
export interface LiveReceiptOptions {
  readonly signerSeed: Uint8Array;
  readonly attesterSeed: Uint8Array | undefined;
}

/** Formats a number like a Python float, always with a decimal point. */
function float(value: number): LosslessNumber {
  const text = String(value);
  return new LosslessNumber(/[.e]/.test(text) ? text : `${text}.0`);
}

/** Creates a receipt with the fields and number formats of the deployed coordinators. */
export function liveReceipt(job: JobRecord, result: unknown, metrics: unknown, options: LiveReceiptOptions): string {
  const number = (name: string): number | undefined => {
    for (const source of [metrics, result]) {
      const value = isJsonObject(source) ? source[name] : undefined;
      if (isLosslessNumber(value)) return Number(value.value);
    }
    return undefined;
  };
  const durationMs = number('duration_ms');
  const units = number('units') ?? (durationMs === undefined ? 0 : durationMs / 1000);
  const unitPrice = number('unit_price') ?? 0.02;
  const price = number('price') ?? Math.round(units * unitPrice * 1e6) / 1e6;
  const completedAt = Math.floor((job.finishedAt ?? 0) / 1000);
  const receipt = {
    version: '1.0',
    receipt_id: randomBytes(16).toString('hex'),
    job_id: job.id,
    provider: job.minerId ?? 'unknown',
    client: job.owner,
    status: 'COMPLETED',
    units: float(units),
    unit_type: 'gpu_seconds',
    unit_price: float(unitPrice),
    price: float(price),
    completed_at: new LosslessNumber(String(completedAt)),
    started_at: new LosslessNumber(String(Math.floor(completedAt - units))),
    metadata: {
      job_payload: parseExact(JSON.stringify(job.payload)),
      job_constraints: parseExact(JSON.stringify({ gpu: null, models: null, ...job.constraints })),
      result,
      metrics,
    },
  };
  const attesterSeed = options.attesterSeed;
  return writeExact({
    ...receipt,
    signature: signatureOf(receipt, options.signerSeed),
    ...(attesterSeed !== undefined && { attestations: [signatureOf(receipt, attesterSeed)] }),
  });
}

/** A signature in the format of the deployed coordinators. */
function signatureOf(receipt: JsonObject, seed: Uint8Array): JsonObject {
  const { publicKey, signature } = signMembers(receipt, seed);
  return { alg: 'Ed25519', key_id: publicKey.toString('base64url'), sig: signature.toString('base64url') };
}
