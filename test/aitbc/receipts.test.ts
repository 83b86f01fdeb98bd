import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nextReceiptCursor, receiptTexts } from '../../src/aitbc/dialects/documented.js';
import { unsignedSpelling } from '../../src/aitbc/receipts/as-signed.js';
import type { JsonMembers } from '../../src/aitbc/receipts/index.js';
import {
  canonicalJson,
  decodeBase64Exact,
  parseLosslessJson,
  receiptHash,
  receiptMessage,
  signReceipt,
  stringifyLosslessJson,
  toPlainJson,
  verifyReceipt,
} from '../../src/aitbc/receipts/index.js';
import { Transport } from '../../src/aitbc/transport.js';
import { QuarryError } from '../../src/errors/index.js';

interface Vector {
  id: string;
  wire?: string;
  canonical?: string;
  canonical_strict?: string;
  sha256_hex?: string;
  tampered_wire?: string;
  payload?: unknown;
  strip?: string[];
  unsigned_fields_present?: string[];
  signature?: { alg: string; key_id: string; sig: string };
  signature_K1?: { alg: string; key_id: string; sig: string };
  wires?: string[];
  cases?: {
    name?: string;
    wire?: string;
    lexeme?: string;
    value?: string;
    canonical?: string;
    expect_miner_valid?: boolean;
  }[];
}

const file = JSON.parse(readFileSync(new URL('../vectors/aitbc-receipts.json', import.meta.url), 'utf8')) as {
  about: { keys: Record<string, { seed_hex: string; key_id: string }> };
  upstream: Vector[];
  derived: Vector[];
};
const vector = (id: string): Vector => {
  if (id === 'upstream-sign-and-verify-complete') {
    const { wire, signature } = vector('upstream-sign-and-verify');
    return { id, wire: withSignature(wire!, signature) };
  }
  const found = [...file.upstream, ...file.derived].find((entry) => entry.id === id);
  if (found === undefined) throw new Error(`no vector ${id}`);
  return found;
};
const members = (text: string): JsonMembers => parseLosslessJson(text) as JsonMembers;
const withSignature = (wire: string, signature: unknown): string =>
  `${wire.slice(0, -1)},"signature":${JSON.stringify(signature)}}`;
const K1 = file.about.keys['K1']!;
const K2 = file.about.keys['K2']!;

describe('canonical form', () => {
  const plain = [...file.upstream, ...file.derived].filter(
    (entry) => entry.wire !== undefined && entry.canonical !== undefined && !entry.id.includes('signature-object'),
  );
  it.each(plain.map((entry) => [entry.id, entry] as const))('%s', (_id, entry) => {
    const message = receiptMessage(members(entry.wire!), entry.unsigned_fields_present ?? []);
    expect(Buffer.from(message).toString('latin1')).toBe(entry.canonical);
    if (entry.canonical_strict !== undefined) {
      expect(Buffer.from(receiptMessage(members(entry.wire!))).toString('latin1')).toBe(entry.canonical_strict);
    }
  });

  it('prints every number token as the signer does', () => {
    const cases = vector('derived-number-lexemes').cases!;
    expect(cases.length).toBeGreaterThan(30);
    for (const { lexeme, canonical } of cases)
      expect(canonicalJson(parseLosslessJson(lexeme!)), lexeme).toBe(canonical);
  });

  it('escapes strings as the signer does', () => {
    for (const { value, canonical } of vector('derived-string-escapes').cases!) {
      expect(canonicalJson(parseLosslessJson(JSON.stringify(value)))).toBe(canonical);
    }
  });

  it('brings wire spellings of the same value together, and the signature holds for each', () => {
    const { wires, canonical, signature_K1: signature } = vector('derived-exponent-wire-variants');
    for (const wire of wires!) {
      expect(canonicalJson(parseLosslessJson(wire))).toBe(canonical);
      expect(verifyReceipt(withSignature(wire, signature)).verified).toBe(true);
    }
  });

  it('hashes the canonical bytes', () => {
    for (const entry of [...file.upstream, ...file.derived]) {
      if (entry.sha256_hex === undefined || entry.wire === undefined) continue;
      if (entry.unsigned_fields_present !== undefined) continue;
      expect(verifyReceipt(entry.wire).receiptHash, entry.id).toBe(entry.sha256_hex);
    }
    expect(receiptHash(parseLosslessJson('{"a":null}'))).toBe(receiptHash(parseLosslessJson('{}')));
  });

  it('refuses what is not JSON', () => {
    const bad = ['', '{', '[1,]', '{"a":1,}', '01', '1.', '+1', 'NaN', '"\u0001"', '"\\x"', '{"a":1} x', "'a'"];
    for (const text of bad) expect(() => parseLosslessJson(text), text).toThrow(/not JSON/);
    expect(() => parseLosslessJson('['.repeat(1000))).toThrow(/nesting/);
    expect(() => canonicalJson(parseLosslessJson('1e999'))).toThrow(/out of range/);
  });

  it('keeps a member called __proto__ as data', () => {
    const node = parseLosslessJson('{"__proto__":{"polluted":1},"a":1}');
    expect(canonicalJson(node)).toBe('{"__proto__":{"polluted":1},"a":1}');
    expect(Object.keys(toPlainJson(node) as object)).toEqual(['__proto__', 'a']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('prints what it parsed, token by token', () => {
    const text = '{"b":[1.0,1e-06,12345678901234567890,null,true,"é"],"a":{}}';
    expect(stringifyLosslessJson(parseLosslessJson(text))).toBe(text);
  });
});

describe('signatures', () => {
  it('the published sample holds over the canonical bytes, and signing it again gives the same signature', () => {
    const entry = vector('upstream-sample-receipt-signed');
    const wire = JSON.stringify(entry.payload);
    expect(canonicalJson(parseLosslessJson(wire))).toBe(entry.canonical);
    expect(verifyReceipt(withSignature(wire, entry.signature)).verified).toBe(true);
    expect(signReceipt(members(wire), Buffer.from(K1.seed_hex, 'hex'))).toEqual(entry.signature);
  });

  it('signs and verifies; a tampered payload fails', () => {
    const entry = vector('upstream-sign-and-verify');
    expect(verifyReceipt(withSignature(entry.wire!, entry.signature)).verified).toBe(true);
    expect(verifyReceipt(withSignature(entry.tampered_wire!, entry.signature)).verified).toBe(false);
  });

  it('the SDK vectors: good, tampered, latest of the wallet daemon', () => {
    const entry = vector('upstream-sdk-verify-receipt');
    expect(verifyReceipt(entry.wire!)).toMatchObject({ verified: true, mode: 'strict', failureReasons: [] });
    const bad = verifyReceipt(entry.tampered_wire!);
    expect(bad.failureReasons).toEqual([`miner_signature_invalid:${K1.key_id}`]);
    expect(bad.minerSignature.reason).toBe('signature mismatch');
    expect(verifyReceipt(vector('upstream-wallet-daemon-verify-latest').wire!).verified).toBe(true);
  });

  it('attestations: good and bad', () => {
    const good = verifyReceipt(vector('derived-seed-era-with-attestation').wire!);
    expect(good).toMatchObject({ verified: true, mode: 'strict' });
    expect(good.attestations.map((check) => check.valid)).toEqual([true]);
    const bad = verifyReceipt(vector('derived-bad-attestation').wire!);
    expect(bad.minerSignature.valid).toBe(true);
    expect(bad.verified).toBe(false);
    expect(bad.failureReasons).toEqual([`coordinator_attestation_invalid:${K2.key_id}`]);
  });

  it('members added after signing: strict refuses, tolerant takes them out and says so', () => {
    const wire = vector('derived-main-branch-post-signing-fields').wire!;
    expect(verifyReceipt(wire, { mode: 'strict' }).minerSignature.valid).toBe(false);
    const tolerant = verifyReceipt(wire);
    expect(tolerant).toMatchObject({ verified: true, mode: 'tolerant' });
    expect([...tolerant.unauthenticatedFields].sort()).toEqual(['tee_status', 'zk_status']);
    const all = vector('derived-main-branch-all-post-signing-fields');
    expect(verifyReceipt(all.wire!, { mode: 'strict' }).minerSignature.valid).toBe(false);
    expect(verifyReceipt(all.wire!).minerSignature.valid).toBe(true);
    expect([...verifyReceipt(all.wire!).unauthenticatedFields].sort()).toEqual(
      [...all.unsigned_fields_present!].sort(),
    );
  });

  it.each(vector('derived-signature-object-cases').cases!.map((entry) => [entry.name!, entry] as const))(
    'signature object: %s',
    (_name, entry) => {
      expect(verifyReceipt(entry.wire!).minerSignature.valid).toBe(entry.expect_miner_valid);
    },
  );

  it('trust is separate from validity: only pinned keys are trusted', () => {
    const wire = vector('derived-seed-era-with-attestation').wire!;
    expect(verifyReceipt(wire)).toMatchObject({ verified: true, trusted: false });
    expect(verifyReceipt(wire, { trustedSigners: [K1.key_id] })).toMatchObject({ verified: true, trusted: false });
    const pinned = { trustedSigners: [K1.key_id], trustedAttesters: [`${K2.key_id}=`] };
    expect(verifyReceipt(wire, pinned)).toMatchObject({ verified: true, trusted: true });
    expect(verifyReceipt(wire, { trustedSigners: [K2.key_id], trustedAttesters: [K1.key_id] }).trusted).toBe(false);
  });

  it('the documented shape: public_key in base64, attestations that need a pinned key', () => {
    const body = '{"receipt_id":"r","job_id":"j","miner_id":"m","created_at":"2024-01-01T12:04:00Z"}';
    const main = signReceipt(members(body), Buffer.from(K1.seed_hex, 'hex'));
    const attestation = signReceipt(members(body), Buffer.from(K2.seed_hex, 'hex'));
    const base64 = (text: string): string => Buffer.from(text, 'base64url').toString('base64');
    const wire = JSON.stringify({
      ...JSON.parse(body),
      signature: { sig: base64(main.sig), public_key: base64(main.key_id) },
      attestations: [{ type: 'completion', timestamp: '2024-01-01T12:04:00Z', signature: base64(attestation.sig) }],
    });
    const blind = verifyReceipt(wire);
    expect(blind.minerSignature.valid).toBe(true);
    expect(blind.verified).toBe(false);
    expect(blind.attestations[0]?.reason).toMatch(/pin the attester/);
    const pinned = verifyReceipt(wire, { trustedSigners: [K1.key_id], trustedAttesters: [K2.key_id] });
    expect(pinned).toMatchObject({ verified: true, trusted: true });
    expect(pinned.unauthenticatedFields).toEqual(['attestations[0].type', 'attestations[0].timestamp']);
  });

  it('plausibility: times, amounts, chain, age', () => {
    const seed = Buffer.from(K1.seed_hex, 'hex');
    const signed = (body: string): string => withSignature(body, signReceipt(members(body), seed));
    expect(verifyReceipt(signed('{"started_at":5,"completed_at":4}')).verified).toBe(false);
    expect(verifyReceipt(signed('{"price":-0.5}')).failureReasons).toEqual(['implausible:price is negative']);
    expect(verifyReceipt(signed('{"chain_id":7}'), { chainId: 7 }).verified).toBe(true);
    expect(verifyReceipt(signed('{"chain_id":8}'), { chainId: 7 }).verified).toBe(false);
    const old = signed('{"completed_at":1000}');
    expect(verifyReceipt(old, { maxAgeSeconds: 60, now: () => 1_030_000 }).verified).toBe(true);
    expect(verifyReceipt(old, { maxAgeSeconds: 60, now: () => 1_061_000 }).verified).toBe(false);
  });

  it('never throws', () => {
    for (const text of ['', 'null', '[]', '"x"', '{"a":1e999,"signature":{}}', '{"signature":7,"attestations":3}']) {
      expect(verifyReceipt(text).verified, text).toBe(false);
    }
    expect(verifyReceipt(Uint8Array.of(0x7b, 0xff, 0x7d)).verified).toBe(false);
  });

  it('base64: exact length, one alphabet, no stray bits', () => {
    expect(decodeBase64Exact('_-8', 2)).toEqual(Uint8Array.of(0xff, 0xef));
    expect(decodeBase64Exact('/+8=', 2)).toEqual(Uint8Array.of(0xff, 0xef));
    for (const bad of ['_+8', '/+8', '_-9', '_-8==', '_-', 7, undefined, '']) {
      expect(decodeBase64Exact(bad, 2)).toBeUndefined();
    }
  });
});

describe('fetching', () => {
  it('reads every shape of a receipts page', () => {
    const cases = (vector('upstream-receipts-page-shapes') as unknown as { cases: PageCase[] }).cases;
    const receipt = '{"units":1.0}';
    expect(cases.length).toBeGreaterThan(3);
    for (const { response, items, next_cursor } of cases) {
      const text = JSON.stringify(response).replaceAll('"R"', receipt);
      expect(receiptTexts(text)).toEqual(items.map(() => receipt));
      expect(nextReceiptCursor(text) ?? null).toBe(next_cursor);
    }
  });

  it('repeats a read after a timeout and a 429', async () => {
    const { sequence, expect_status: status } = vector('upstream-request-retries') as unknown as {
      sequence: ('timeout' | number)[];
      expect_status: number;
    };
    const pauses: number[] = [];
    const steps = [...sequence];
    const transport = new Transport(
      { baseUrl: 'http://coordinator', timeoutMs: 1000, retries: 3, secrets: () => [] },
      {
        sleep: async (ms) => void pauses.push(ms),
        random: () => 1,
        send: async () => {
          const step = steps.shift();
          if (step === 'timeout') throw new QuarryError('TIMEOUT', 'too slow');
          return { status: step ?? 500, headers: {}, text: '{}' };
        },
      },
    );
    const answer = await transport.call({ operation: 'receipts.get', method: 'GET', path: '/v1/jobs/x/receipt' });
    expect(answer.status).toBe(status);
    expect(pauses).toEqual([500, 1000]);
  });
});

interface PageCase {
  response: unknown;
  items: unknown[];
  next_cursor: string | null;
}

describe('every single-byte mutation of a valid receipt fails', () => {
  const cases = ['upstream-sdk-verify-receipt', 'derived-seed-era-with-attestation'] as const;

  // What a verdict rests on: message, keys and signatures. Equal here means equal verdict.
  const evidence = (bytes: Uint8Array, strict = false): string | undefined => {
    try {
      const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
      const node = parseLosslessJson(text) as JsonMembers;
      if (strict && unsignedSpelling(text, node) !== undefined) return undefined;
      const attached = ['signature', 'attestations'].map((name) => canonicalJson(node.get(name) ?? null));
      return [Buffer.from(receiptMessage(node)).toString('latin1'), ...attached].join('\n');
    } catch {
      return undefined;
    }
  };

  it('every other value at every byte of a short one changes what is verified', () => {
    const original = Buffer.from(vector('upstream-sign-and-verify-complete').wire!);
    expect(original.every((byte) => byte < 0x80)).toBe(true);
    const untouched = evidence(original);
    expect(untouched).toBeDefined();
    expect(verifyReceipt(original, { mode: 'strict' }).verified).toBe(true);
    const same: string[] = [];
    for (let at = 0; at < original.length; at++) {
      const mutated = Uint8Array.from(original);
      // From 0x80 on a lone byte is not UTF-8, whichever it is: two of them stand for all.
      for (let value = 0; value < 256; value += value < 0x80 ? 1 : 0x7f) {
        if (value === original[at]) continue;
        mutated[at] = value;
        if (evidence(mutated) !== untouched) continue;
        same.push(`${at}:${value}`);
        // What the canonical form cannot tell apart, strict mode refuses for its spelling.
        const strict = verifyReceipt(mutated, { mode: 'strict' });
        expect(strict.failureReasons[0]).toMatch(/^not_as_signed:the notation of a number/);
        expect(strict).toMatchObject({ verified: false, trusted: false });
      }
    }
    // Spellings of the same number are the same receipt to a tolerant reader: `1.0` is also `1e0`. Nothing else may pass.
    const spelling = original.indexOf('"units":1.0,') + '"units":1'.length;
    expect(same).toEqual([`${spelling}:69`, `${spelling}:101`]);
  });

  it('strict: every other value at every byte fails, with spaces, escapes, exponents and non-ASCII text around', () => {
    const body = '{"a": [1.0,-2.5e-08,1e+16,12, true],"é\\u001f\\n":"\\u00e9 \\"q\\" x","units":1e-6}';
    const wire = withSignature(body, signReceipt(members(body), Buffer.from(K1.seed_hex, 'hex')));
    const original = Buffer.from(`${wire}\n`);
    expect(verifyReceipt(original, { mode: 'strict' })).toMatchObject({ verified: true, failureReasons: [] });
    const untouched = evidence(original, true);
    const same: string[] = [];
    for (let at = 0; at < original.length; at++) {
      const mutated = Uint8Array.from(original);
      for (let value = 0; value < 256; value++) {
        if (value === original[at]) continue;
        mutated[at] = value;
        if (evidence(mutated, true) === untouched) same.push(`${at}:${value}`);
      }
    }
    expect(same).toEqual([]);
  });

  it('strict refuses a key in the base64url alphabet with padding', () => {
    const signature = signReceipt(members('{"a":1}'), Buffer.from(K1.seed_hex, 'hex'));
    const padded = withSignature('{"a":1}', { ...signature, sig: `${signature.sig}==` });
    expect(verifyReceipt(padded).verified).toBe(true);
    expect(verifyReceipt(padded, { mode: 'strict' }).failureReasons).toEqual([
      'not_as_signed:the base64 of a key or signature',
    ]);
  });

  it.each([
    ['a null', '{"a":1,"b":null}'],
    ['a null in a list', '{"a":[1,null]}'],
    ['a repeated name', '{"a":2,"a":1}'],
    ['a capital in an escape', '{"a":"\\u00E9"}'],
    ['an escape that is not needed', '{"a":"\\u0041\\/"}'],
    ['a newline between members', '{"a":1,\n"b":2}'],
    ['space around', ' {"a":1}'],
    ['a negative zero', '{"a":-0}'],
    ['digits too many', '{"a":1.50}'],
  ])('strict refuses %s, which no signature covers; tolerant takes it', (_name, body) => {
    const wire = body.replace(
      /\}$/,
      `,"signature":${JSON.stringify(signReceipt(members(body), Buffer.from(K1.seed_hex, 'hex')))}}`,
    );
    expect(verifyReceipt(wire).verified).toBe(true);
    const strict = verifyReceipt(wire, { mode: 'strict' });
    expect(strict.verified).toBe(false);
    expect(strict.failureReasons[0]).toMatch(/^not_as_signed:/);
  });

  it.each(cases)('%s: a flipped bit at every byte fails verification', (id) => {
    const original = Buffer.from(vector(id).wire!);
    expect(verifyReceipt(Uint8Array.from(original)).verified).toBe(true);
    // Before the signatures a changed message is enough to see; the signature itself is checked on the short one.
    const verifyFrom = id === cases[0] ? 0 : original.indexOf('"attestations"');
    const untouched = evidence(original);
    const passed: number[] = [];
    for (let at = 0; at < original.length; at++) {
      const mutated = Uint8Array.from(original);
      mutated[at]! ^= 1;
      const same = at < verifyFrom ? evidence(mutated) === untouched : verifyReceipt(mutated).verified;
      if (same) passed.push(at);
    }
    expect(passed).toEqual([]);
  });
});
