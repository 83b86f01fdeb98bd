import type { ObjectType } from '../../src/soma/index.js';
import type { ConformanceNetwork } from './conformance-network.js';
import { comparableSystemState, sdkCheckpoint, sdkObject, sdkSystemState } from './sdk-shapes.js';

/** What can be read of a network that nothing has happened on. */
export async function reads(network: ConformanceNetwork): Promise<void> {
  const { client, compare, alice } = network;
  await compare.same('get_chain_identifier', {}, async () => (await client.getServiceInfo()).chain);
  await compare.same('get_server_version', {}, async () => (await client.getServiceInfo()).server);
  await compare.same('check_api_version', {}, () => [], 'accepted');
  await compare.same('get_protocol_version', {}, async () => (await client.getProtocolConfig()).protocolVersion);
  await compare.same(
    'get_architecture_version',
    {},
    async () => (await client.getSystemParameters()).modelArchitectureVersion,
  );
  await compare.same('get_embedding_dim', {}, async () => (await client.getSystemParameters()).targetEmbeddingDim);
  await compare.same('get_model_min_stake', {}, async () => (await client.getSystemParameters()).modelMinStake);
  await compare.same(
    'get_balance',
    { args: [alice.address] },
    async () => Number(await client.getBalance(alice.address)) / 1e9,
  );
  await compare.same('get_active_models', { called: 'none yet' }, () => client.getActiveModels());
  await compare.same('list_targets', { called: 'none yet' }, async () => {
    const page = await client.listTargets();
    return { targets: page.targets, next_page_token: page.nextPageToken ?? null };
  });
  await systemState(network, 'at genesis');
  await epochs(network);
  await checkpoints(network);
  await objects(network);
  await refusals(network);
}

/** The whole system state, as both sides show it. */
export async function systemState({ client, compare, sdk }: ConformanceNetwork, called: string): Promise<void> {
  const theirs = await sdk.call('client', 'get_latest_system_state');
  const ours = sdkSystemState(await client.getSystemState());
  compare.value('get_latest_system_state', called, comparableSystemState(theirs), ours);
}

async function epochs({ client, compare }: ConformanceNetwork): Promise<void> {
  // The SDK asks for the number and the protocol version only: the other values are its defaults.
  await compare.same('get_epoch', {}, async () => ({
    epoch: (await client.getEpoch()).epoch,
    first_checkpoint_id: 0n,
    epoch_start_timestamp_ms: 0n,
    end_of_epoch_info: null,
  }));
  await compare.same('get_next_epoch_timestamp', {}, async () => {
    const { epochStartMs, parameters } = await client.getSystemState();
    return epochStartMs + parameters.epochDurationMs;
  });
  await compare.same('get_following_epoch_timestamp', {}, async () => {
    const { epochStartMs, parameters } = await client.getSystemState();
    return epochStartMs + 2n * parameters.epochDurationMs;
  });
}

async function checkpoints({ client, compare, sdk }: ConformanceNetwork): Promise<void> {
  for (const [method, args] of [
    ['get_latest_checkpoint', []],
    ['get_checkpoint_summary', [0n]],
  ] as const) {
    const theirs = (await sdk.call('client', method, { args })) as { readonly data: Record<string, unknown> };
    const { checkpoint_commitments, end_of_epoch_data, version_specific_data, ...data } = theirs.data;
    void [checkpoint_commitments, end_of_epoch_data, version_specific_data];
    const number = data['sequence_number'] as bigint;
    compare.value(method, `number ${number}`, data, sdkCheckpoint(await client.getCheckpoint(number)));
  }
}

async function objects({ client, compare, alice }: ConformanceNetwork): Promise<void> {
  const kinds: Record<string, ObjectType | undefined> = {
    all: undefined,
    coin: 'Coin',
    COIN: 'Coin',
    staked_soma: 'StakedSoma',
  };
  for (const [alias, type] of Object.entries(kinds)) {
    const args = [alice.address, ...(type === undefined ? [] : [alias])];
    await compare.same('list_owned_objects', { args, called: alias }, async () => {
      const found = [];
      const filter = type === undefined ? {} : { objectType: type };
      for await (const object of client.listAllOwnedObjects({ owner: alice.address, ...filter }))
        found.push(sdkObject(object));
      return found;
    });
  }
  await compare.same('list_owned_objects', { args: [alice.address, 'coin', 2n], called: 'limit 2' }, async () => {
    const { objects } = await client.listOwnedObjects({ owner: alice.address, objectType: 'Coin', limit: 2 });
    return objects.map(sdkObject);
  });
  const [coin] = (await client.listOwnedObjects({ owner: alice.address, objectType: 'Coin' })).objects;
  await compare.same('get_object', { args: [coin!.objectId] }, async () =>
    sdkObject(await client.getObject(coin!.objectId)),
  );
  await compare.same('get_object', { args: ['0x5'], called: 'the system state' }, async () =>
    sdkObject(await client.getObject('0x5')),
  );
  await compare.same('get_object_with_version', { args: [coin!.objectId, coin!.version] }, async () =>
    sdkObject(await client.getObject(coin!.objectId, { version: coin!.version })),
  );
}

async function refusals({ client, compare }: ConformanceNetwork): Promise<void> {
  const nothing = `0x${'42'.repeat(32)}`;
  await compare.refused(
    'get_object',
    { args: [nothing], called: 'unknown', raises: 'RuntimeError', code: 'NOT_FOUND' },
    () => client.getObject(nothing),
  );
  await compare.refused(
    'get_object',
    { args: ['zz'], called: 'no id', raises: 'ValueError', code: 'INVALID_ARGUMENT' },
    () => client.getObject('zz'),
  );
  await compare.refused(
    'get_transaction',
    { args: ['11111111111111111111111111111111'], called: 'unknown', raises: 'RuntimeError', code: 'NOT_FOUND' },
    () => client.getTransaction('11111111111111111111111111111111'),
  );
  await compare.refused(
    'list_targets',
    { kwargs: { status: 'bogus' }, called: 'no such status', raises: 'RuntimeError', code: 'INVALID_ARGUMENT' },
    () => client.listTargets({ status: 'bogus' as 'open' }),
  );
  await compare.refused(
    'list_targets',
    { kwargs: { read_mask: 'id,bogus' }, called: 'no such field', raises: 'RuntimeError', code: 'INVALID_ARGUMENT' },
    () => client.listTargets({ readMask: ['id', 'bogus'] }),
  );
  await compare.refused(
    'get_checkpoint_summary',
    { args: [1_000_000n], called: 'not yet', raises: 'RuntimeError', code: 'NOT_FOUND' },
    () => client.getCheckpoint(1_000_000n),
  );
}
