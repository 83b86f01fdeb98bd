import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AdminClient, FaucetClient, ScoringClient } from '../../../src/soma/services/index.js';
import { StatusError, TestServer } from '../client/grpc-server.js';

const ADDRESS = `0x${'73a6b3c33e2d63383de5c6786cbaca231ff789f4c853af6d54cb883d8780adc0'}`;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const unhex = (text: string): Uint8Array => Buffer.from(text.replace(/\s/g, ''), 'hex');

/** Bytes are spelled out by hand, so that the codec is not checked against itself. */
describe('services that speak BCS over gRPC', () => {
  const requests: Record<string, string> = {};
  const server = new TestServer();

  beforeAll(async () => {
    await server
      .addRaw('/faucet.Faucet/RequestGas', (request) => {
        requests['gas'] = hex(request);
        const digest = Buffer.from('3VmUkwUKY5vzShwiRPUq21EnGdck6shhwwhrGj3AXaPe');
        const id = Buffer.from(`0x${'1'.repeat(64)}`);
        return Buffer.concat([
          unhex('07'),
          Buffer.from('Success'),
          unhex('01 0094357700000000 42'),
          id,
          Buffer.of(digest.length),
          digest,
        ]);
      })
      .addRaw('/admin.Admin/AdvanceEpoch', (request) => {
        requests['admin'] = hex(request);
        return unhex('0500000000000000');
      })
      .addRaw('/scoring.Scoring/Score', (request) => {
        requests['score'] = hex(request);
        // Winner 1, loss [2.5], embedding [1, -0.5], distance [0.25].
        return unhex('0100000000000000 01 00002040 02 0000803f 000000bf 01 0000803e');
      })
      .addRaw('/scoring.Scoring/Health', () => {
        throw new StatusError(14, 'warming up');
      })
      .start();
  });
  afterAll(() => server.stop());

  it('asks the faucet', async () => {
    const faucet = new FaucetClient({ url: server.url });
    const [coin] = await faucet.requestGas(ADDRESS.slice(2).toUpperCase());
    // A string of 66 characters: 0x and 64 digits.
    expect(requests['gas']).toBe(`42${hex(Buffer.from(ADDRESS))}`);
    expect(coin).toEqual({
      objectId: `0x${'1'.repeat(64)}`,
      amountShannons: 2_000_000_000n,
      transferDigest: '3VmUkwUKY5vzShwiRPUq21EnGdck6shhwwhrGj3AXaPe',
    });
    faucet.close();
  });

  it('advances the epoch with an empty request', async () => {
    const admin = new AdminClient({ url: server.url });
    expect(await admin.advanceEpoch()).toBe(5n);
    expect(requests['admin']).toBe('');
    admin.close();
  });

  it('scores, floats as bit patterns', async () => {
    const scoring = new ScoringClient({ url: server.url });
    const model = { url: 'http://m/', checksum: new Uint8Array(32).fill(1), size: 7n };
    const result = await scoring.score({
      data: { url: 'http://d/', checksum: new Uint8Array(32), size: 3n },
      models: [model, { ...model, decryptionKey: new Uint8Array(32).fill(2) }],
      targetEmbedding: Float32Array.of(0.9),
    });
    expect(result).toEqual({ winner: 1, loss: 2.5, embedding: Float32Array.of(1, -0.5), distance: 0.25 });
    const text = (value: string): string => hex(Buffer.of(value.length)) + hex(Buffer.from(value));
    const one = '4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi';
    const two = '8qbHbw2BbbTHBW1sbeqakYXVKRQM8Ne7pLK7m6CVfeR';
    expect(requests['score']).toBe(
      `${text('http://d/') + text('1'.repeat(32))}0300000000000000` +
        `02${text('http://m/')}${text(one)}070000000000000000` +
        `${text('http://m/')}${text(one)}070000000000000001${text(two)}` +
        '016666663f0000000000000000',
    );
    await expect(scoring.score({ data: model, models: [], targetEmbedding: Float32Array.of(1) })).rejects.toMatchObject(
      {
        code: 'INVALID_ARGUMENT',
      },
    );
    await expect(scoring.health()).rejects.toMatchObject({ code: 'OVERLOADED' });
    scoring.close();
  });

  it('explains a service that is unavailable', async () => {
    const faucet = new FaucetClient({ url: 'http://127.0.0.1:1' });
    await expect(faucet.requestGas(ADDRESS)).rejects.toMatchObject({
      code: 'UNREACHABLE',
      details: { errno: 'ECONNREFUSED' },
    });
    faucet.close();
  });
});
