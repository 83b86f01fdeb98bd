import { blake2b256 } from '../soma/chain/digest.js';
import { Keypair } from '../soma/chain/keys/keypair.js';
import type { ValidatorMetadata } from './state/validator.js';

function derived(seed: number, purpose: string, index: number): Uint8Array {
  return blake2b256(new TextEncoder().encode(`quarry-devnet/${seed}/${purpose}/${index}`));
}

/** A key of the network's own that depends on the seed alone. Devnet coins are worth nothing; so is this secrecy. */
export function networkKeypair(seed: number, purpose: string, index: number): Keypair {
  return Keypair.fromSecret(derived(seed, purpose, index));
}

/** The first validators with their accounts. BLS and network keys are filler: nothing is signed with them. */
export function genesisValidators(
  seed: number,
  count: number,
): readonly { readonly keypair: Keypair; readonly metadata: ValidatorMetadata }[] {
  return Array.from({ length: count }, (_, index) => {
    const keypair = networkKeypair(seed, 'validator', index);
    const filler = (purpose: string) => derived(seed, purpose, index);
    const address = (port: number) => `/ip4/127.0.0.1/tcp/${port + index * 10}`;
    return {
      keypair,
      metadata: {
        somaAddress: keypair.address,
        protocolPubkey: Buffer.concat([filler('bls-0'), filler('bls-1'), filler('bls-2')]),
        networkPubkey: filler('network'),
        workerPubkey: filler('worker'),
        netAddress: address(8080),
        p2pAddress: address(8081),
        primaryAddress: address(8082),
        proxyAddress: '',
        proofOfPossession: new Uint8Array(48),
        nextEpoch: {},
      },
    };
  });
}
