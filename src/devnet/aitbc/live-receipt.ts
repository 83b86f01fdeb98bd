import { randomBytes } from 'node:crypto';
import {
  isJsonMembers,
  type JsonMembers,
  type JsonNode,
  JsonNumber,
  parseLosslessJson,
  signReceipt,
  stringifyLosslessJson,
} from '../../aitbc/receipts/index.js';
import type { JobRecord } from './coordinator-book.js';

/** Raw Ed25519 seeds, 32 bytes each. */
export interface LiveReceiptOptions {
  readonly signerSeed: Uint8Array;
  readonly attesterSeed: Uint8Array | undefined;
}

/** A number the way Python prints a float: always with a point. */
function float(value: number): JsonNumber {
  const text = String(value);
  return new JsonNumber(/[.e]/.test(text) ? text : `${text}.0`);
}

/** A receipt with the members and number forms of the deployed coordinators. */
export function liveReceipt(job: JobRecord, result: JsonNode, metrics: JsonNode, options: LiveReceiptOptions): string {
  const number = (name: string): number | undefined => {
    for (const source of [metrics, result]) {
      const value = isJsonMembers(source) ? source.get(name) : undefined;
      if (value instanceof JsonNumber) return value.valueOf();
    }
    return undefined;
  };
  const durationMs = number('duration_ms');
  const units = number('units') ?? (durationMs === undefined ? 0 : durationMs / 1000);
  const unitPrice = number('unit_price') ?? 0.02;
  const price = number('price') ?? Math.round(units * unitPrice * 1e6) / 1e6;
  const completedAt = Math.floor((job.finishedAt ?? 0) / 1000);
  const receipt = new Map<string, JsonNode>([
    ['version', '1.0'],
    ['receipt_id', randomBytes(16).toString('hex')],
    ['job_id', job.id],
    ['provider', job.minerId ?? 'unknown'],
    ['client', job.owner],
    ['status', 'COMPLETED'],
    ['units', float(units)],
    ['unit_type', 'gpu_seconds'],
    ['unit_price', float(unitPrice)],
    ['price', float(price)],
    ['completed_at', new JsonNumber(String(completedAt))],
    ['started_at', new JsonNumber(String(Math.floor(completedAt - units)))],
    [
      'metadata',
      new Map<string, JsonNode>([
        ['job_payload', parseLosslessJson(JSON.stringify(job.payload))],
        ['job_constraints', parseLosslessJson(JSON.stringify({ gpu: null, models: null, ...job.constraints }))],
        ['result', result],
        ['metrics', metrics],
      ]),
    ],
  ]);
  const asMembers = (value: object): JsonMembers => new Map(Object.entries(value));
  const signature = asMembers(signReceipt(receipt, options.signerSeed));
  const attestation = options.attesterSeed && asMembers(signReceipt(receipt, options.attesterSeed));
  receipt.set('signature', signature);
  if (attestation !== undefined) receipt.set('attestations', [attestation]);
  return stringifyLosslessJson(receipt);
}
