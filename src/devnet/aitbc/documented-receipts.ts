import { randomBytes } from 'node:crypto';
import type { Routes } from '../loopback/router.js';
import type { JobRecord } from './coordinator-book.js';
import { type DocumentedGate, type DocumentedServerOptions, refuse } from './documented-gate.js';
import { iso } from './job-words.js';
import { isJsonObject, type JsonObject, parseExact, writeExact } from './json.js';
import { canonicalHash, holds, signMembers } from './receipt-signing.js';

/** Routes of receipts and their verification. */
export function documentedReceiptRoutes({ book, options, asClient, withJob }: DocumentedGate): Routes {
  return {
    'GET /v1/receipts/:jobId': withJob((job) => {
      const receipt = job.receipts.at(-1);
      return receipt === undefined
        ? refuse(404, 'RECEIPT_NOT_FOUND', 'this job has no receipt')
        : { status: 200, text: receipt };
    }),
    'POST /v1/receipts/verify': asClient((request) => {
      const envelope = parseExact(request.text);
      const receipt = isJsonObject(envelope) ? envelope['receipt'] : undefined;
      if (!isJsonObject(receipt)) return refuse(400, 'VALIDATION_ERROR', 'receipt is required');
      return { status: 200, json: { ...opinionOf(receipt, options), verified_at: iso(book.now) } };
    }),
  };
}

function opinionOf(receipt: JsonObject, options: DocumentedServerOptions): JsonObject {
  const { signature } = receipt;
  const signed = isJsonObject(signature) && holds(receipt, bytesOf(signature['public_key']), bytesOf(signature['sig']));
  const attester = signMembers({}, options.attesterSeed).publicKey;
  const list = Array.isArray(receipt['attestations']) ? (receipt['attestations'] as unknown[]) : [];
  const good = list.filter((entry) => isJsonObject(entry) && holds(receipt, attester, bytesOf(entry['signature'])));
  return {
    valid: signed && good.length === list.length,
    miner_signature_valid: signed,
    coordinator_attestations: good.length,
  };
}

function bytesOf(base64: unknown): Buffer {
  return Buffer.from(typeof base64 === 'string' ? base64 : '', 'base64');
}

/** Creates a receipt with exactly the documented fields, signed and attested over its canonical form. */
export function documentedReceipt(job: JobRecord, options: DocumentedServerOptions): string {
  const finished = iso(job.finishedAt ?? Date.now());
  const members = {
    receipt_id: `receipt_${randomBytes(8).toString('hex')}`,
    job_id: job.id,
    miner_id: job.minerId,
    created_at: finished,
    ...(options.bindResults === true && { results_sha256: canonicalHash(parseExact(job.resultText ?? '{}')) }),
  };
  const { publicKey, signature } = signMembers(members, options.signerSeed);
  const attestation = signMembers(members, options.attesterSeed).signature;
  return writeExact({
    ...members,
    signature: { sig: signature.toString('base64'), public_key: publicKey.toString('base64') },
    attestations: [{ type: 'completion', timestamp: finished, signature: attestation.toString('base64') }],
  });
}
