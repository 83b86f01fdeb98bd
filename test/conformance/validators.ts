import { ValidatorKey } from '../../src/devnet/soma/validator-key.js';
import { type ConformanceNetwork, keyOf } from './conformance-network.js';
import { systemState } from './reads.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What validators and those who want to be may send. */
export async function validators(network: ConformanceNetwork): Promise<void> {
  const { client, devnet } = network;
  const [first, second] = devnet.validators;
  const ours = client.account(second!);
  await ours.pool.refresh();
  await network.sdkSends('set_validator_commission_rate', [500n], { on: 'first' });
  await network.weSend('setCommissionRate', ours.setCommissionRate({ newRateBps: 600 }));
  const address = '/ip4/127.0.0.1/tcp/7000';
  await network.sdkSends('update_validator_metadata', [], {
    on: 'first',
    kwargs: { next_epoch_p2p_address: bcsText(address), next_epoch_primary_address: bcsText(address) },
  });
  await network.weSend(
    'updateValidatorMetadata',
    ours.updateValidatorMetadata({ nextEpochP2pAddress: bcsText(address) }),
  );
  await network.sdkSends('report_validator', [second!.address], { on: 'first' });
  await network.weSend('reportValidator', ours.reportValidator({ reportee: first!.address }));
  await systemState(network, 'validators reported');
  await network.sdkSends('undo_report_validator', [second!.address], { on: 'first' });
  await network.weSend('undoReportValidator', ours.undoReportValidator({ reportee: first!.address }));

  const fresh = (purpose: string, secret: bigint) => {
    const address = `/ip4/127.0.0.1/tcp/${secret}`;
    const key = new ValidatorKey(secret);
    return {
      pubkeyBytes: key.publicKey,
      networkPubkeyBytes: keyOf(`${purpose}/network`).publicKey,
      workerPubkeyBytes: keyOf(`${purpose}/worker`).publicKey,
      proofOfPossession: key.sign(key.publicKey),
      netAddress: bcsText(address),
      p2pAddress: bcsText(address),
      primaryAddress: bcsText(address),
      proxyAddress: bcsText(address),
    };
  };
  const theirs = fresh('carol', 7_001n);
  await network.sdkSends('add_validator', Object.values(theirs), { on: 'carol' });
  const own = fresh('bob', 7_002n);
  const account = client.account(network.bob);
  await network.weSend('addValidator', account.addValidator(own));
  await systemState(network, 'validators pending');
  await network.sdkSends('add_stake', [keyOf('carol').address, 50], {
    on: 'carol',
    called: 'with a validator to be',
  });
  await network.weSend(
    'addStake',
    account.addStake({ validator: network.bob.address, amountShannons: 50_000_000_000n }),
  );
  await client.advanceEpoch();
  await systemState(network, 'validators joined');
  await network.sdkSends('remove_validator', [theirs.pubkeyBytes], { on: 'carol' });
  await network.weSend('removeValidator', account.removeValidator({ pubkeyBytes: own.pubkeyBytes }));
  await client.advanceEpoch();
  await systemState(network, 'at the end');
}

/** The BCS of a text, which is how addresses travel. */
function bcsText(text: string): Uint8Array {
  return Uint8Array.of(text.length, ...bytes(text));
}
