import { blake2b256 } from '../../soma/chain/digest.js';
import { idToBytes } from '../../soma/chain/id.js';
import { Keypair } from '../../soma/chain/keys/keypair.js';
import type { ValidatorMetadata } from './state/validator.js';
import { ValidatorKey } from './validator-key.js';

function derived(seed: number, purpose: string, index: number): Uint8Array {
  return blake2b256(new TextEncoder().encode(`quarry-devnet/${seed}/${purpose}/${index}`));
}

/** A key of the network itself, derived only from the seed and therefore not secret. Devnet coins have no value. */
export function networkKeypair(seed: number, purpose: string, index: number): Keypair {
  return Keypair.fromSecret(derived(seed, purpose, index));
}

/** A genesis validator: its account, consensus key and on-chain record. */
export interface GenesisValidator {
  readonly keypair: Keypair;
  readonly key: ValidatorKey;
  readonly metadata: ValidatorMetadata;
}

/** Creates the genesis validators. Network and worker keys are valid but sign nothing. */
export function genesisValidators(seed: number, count: number): readonly GenesisValidator[] {
  return Array.from({ length: count }, (_, index) => {
    const keypair = networkKeypair(seed, 'validator', index);
    const key = new ValidatorKey(1_000n + BigInt((seed % 60_000) + index));
    const unused = (purpose: string) => networkKeypair(seed, purpose, index).publicKey;
    const address = (port: number) => `/ip4/127.0.0.1/tcp/${port + index * 10}`;
    return {
      keypair,
      key,
      metadata: {
        somaAddress: keypair.address,
        protocolPubkey: key.publicKey,
        networkPubkey: unused('network'),
        workerPubkey: unused('worker'),
        netAddress: address(8080),
        p2pAddress: address(8081),
        primaryAddress: address(8082),
        proxyAddress: '',
        proofOfPossession: key.sign(Buffer.concat([key.publicKey, idToBytes(keypair.address)])),
        nextEpoch: {},
      },
    };
  });
}
