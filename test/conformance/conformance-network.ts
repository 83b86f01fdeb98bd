import { type Devnet, startDevnet } from '../../src/devnet/soma/index.js';
import { blake2b256, Keypair, SomaClient, type TransactionResult } from '../../src/soma/index.js';
import type { ComparedCall, Comparison } from './comparison.js';
import { Named, type OfficialSdk, type SdkValue } from './official-sdk.js';
import { startScoringServer } from './scoring-server.js';
import { sdkEffects } from './sdk-shapes.js';

const SEED = 20_261_123;
const SOMA = 1_000_000_000n;

/** The same key every time, by name. */
export function keyOf(name: string): Keypair {
  return Keypair.fromSecret(blake2b256(new TextEncoder().encode(`conformance/${name}`)));
}

/** The network under test, and both clients on it. */
export class ConformanceNetwork {
  readonly devnet: Devnet;
  readonly client: SomaClient;
  readonly scoringUrl: string;
  readonly sdk: OfficialSdk;
  readonly compare: Comparison;
  /** The official SDK's account; it holds the same coins as ours. */
  readonly alice = keyOf('alice');
  /** Ours. */
  readonly bob = keyOf('bob');
  readonly #closeScoring: () => Promise<void>;

  private constructor(
    devnet: Devnet,
    client: SomaClient,
    scoring: { readonly url: string; close(): Promise<void> },
    sdk: OfficialSdk,
    compare: Comparison,
  ) {
    this.devnet = devnet;
    this.client = client;
    this.scoringUrl = scoring.url;
    this.#closeScoring = () => scoring.close();
    this.sdk = sdk;
    this.compare = compare;
  }

  /** Starts the devnet and the scoring service and connects both clients. */
  static async start(sdk: OfficialSdk, compare: Comparison): Promise<ConformanceNetwork> {
    const coins = [1_000n * SOMA, 600n * SOMA, 400n * SOMA];
    const devnet = await startDevnet({
      seed: SEED,
      validators: 2,
      checkpointIntervalMs: 50,
      auditShare: 0,
      // Samples are few, so that the run is short: nearly any hits.
      initialDistanceThreshold: 0.9,
      accounts: [
        { address: keyOf('alice').address, coins },
        { address: keyOf('bob').address, coins },
        { address: keyOf('carol').address, coins },
      ],
    });
    const scoring = await startScoringServer(0);
    const { rpcUrl, faucetUrl, adminUrl } = devnet;
    const client = await SomaClient.connect({ url: rpcUrl, faucetUrl, adminUrl, scoringUrl: scoring.url });
    const network = new ConformanceNetwork(devnet, client, scoring, sdk, compare);
    await network.#makeKeys();
    return network;
  }

  async #makeKeys(): Promise<void> {
    const keys = {
      alice: this.alice,
      bob: this.bob,
      carol: keyOf('carol'),
      first: this.devnet.validators[0]!,
      second: this.devnet.validators[1]!,
    };
    for (const [name, key] of Object.entries(keys)) {
      await this.sdk.call('Keypair', 'from_secret_key', { args: [key.exportSecret('hex')], as: name });
    }
  }

  /** Has the SDK send a transaction; our client must see the very same effects. */
  async sdkSends(method: string, args: readonly unknown[], more: Omit<ComparedCall, 'args'> = {}): Promise<SdkValue> {
    const { kwargs, called } = more;
    return this.compare.same(
      method,
      { args: [new Named(more.on ?? 'alice'), ...args], ...(kwargs && { kwargs }), called: called ?? 'sends' },
      async (theirs) => {
        const digest = (theirs as { V1: { transaction_digest: string } }).V1.transaction_digest;
        return sdkEffects((await this.client.getTransaction(digest)).effects!);
      },
      'same effects by digest',
    );
  }

  /** Sends by our client; the SDK must see the very same effects. */
  async weSend(
    what: string,
    sending: Promise<Pick<TransactionResult, 'digest' | 'effects'> | undefined>,
  ): Promise<void> {
    const called = `after our ${what}`;
    try {
      const sent = await sending;
      if (sent === undefined) throw new Error('nothing was sent');
      const ours = () => sdkEffects(sent.effects);
      await this.compare.same('get_transaction', { args: [sent.digest], called }, ours, 'same effects by digest');
    } catch (error) {
      this.compare.note('get_transaction', called, false, String(error));
    }
  }

  async close(): Promise<void> {
    this.client.close();
    await this.#closeScoring();
    await this.devnet.close();
  }
}
