import { create, toBinary } from '@bufbuild/protobuf';
import { ledgerService } from '../../src/devnet/soma/rpc/ledger-service.js';
import { stateService } from '../../src/devnet/soma/rpc/state-service.js';
import {
  GetCheckpointRequestSchema,
  GetCheckpointResponseSchema,
  GetEpochRequestSchema,
  GetEpochResponseSchema,
} from '../../src/gen/soma/rpc/ledger_service_pb.js';
import { ListTargetsRequestSchema, ListTargetsResponseSchema } from '../../src/gen/soma/rpc/state_service_pb.js';
import {
  encodeCheckpointContents,
  encodeCheckpointSummary,
  encodeEffects,
  encodeTarget,
} from '../../src/soma/chain/index.js';
import { SimulatedNetwork } from '../simulator/network.js';
import { VirtualClock } from '../simulator/virtual-clock.js';

/** What a real node says and stores, in the forms that clients decode. */
export interface ChainSeeds {
  /** Answers to GetCheckpoint, GetEpoch and ListTargets. */
  readonly checkpointAnswer: Uint8Array;
  readonly epochAnswer: Uint8Array;
  readonly targetsAnswer: Uint8Array;
  readonly target: Uint8Array;
  readonly summary: Uint8Array;
  readonly contents: Uint8Array;
  readonly effects: Uint8Array;
}

/** Asks a devnet in memory. */
export async function chainSeeds(): Promise<ChainSeeds> {
  const network = { seed: 1, epochMs: 1_000, accounts: [], random: () => 0.5, congestion: 0 };
  const { node } = new SimulatedNetwork(network, new VirtualClock());
  node.changeEpoch();
  const ledger = ledgerService(node);
  const all = { readMask: { paths: ['*'] } };
  const checkpoint = await ledger.getCheckpoint(create(GetCheckpointRequestSchema, all));
  const epoch = await ledger.getEpoch(create(GetEpochRequestSchema, all));
  const targets = await stateService(node).listTargets(create(ListTargetsRequestSchema, all));
  const { summary, contents, transactions } = node.checkpoints.latest;
  const [first] = [...node.ledger.objects.targets.from()];
  const [executed] = transactions;
  if (first === undefined || executed === undefined) throw new Error('the devnet has neither target nor transaction');
  return {
    checkpointAnswer: toBinary(GetCheckpointResponseSchema, checkpoint),
    epochAnswer: toBinary(GetEpochResponseSchema, epoch),
    targetsAnswer: toBinary(ListTargetsResponseSchema, targets),
    target: encodeTarget(first.target),
    summary: encodeCheckpointSummary(summary),
    contents: encodeCheckpointContents(contents),
    effects: encodeEffects(executed.effects),
  };
}
