import type { Command } from 'commander';
import { shannonsToSoma } from '../../../soma/chain/index.js';
import type { CliContext } from '../../context.js';
import { addressArgument, idArgument } from '../../parse-argument.js';
import { examples, printRecord, say, sayJson, tell } from '../../print.js';
import { type SessionFlags, type SomaSession, withSession, withSigner } from '../../soma-session.js';
import { addTableFlags, printTable, type TableFlags } from '../../table.js';

/** Adds `quarry wallet balance`, `coins` and `faucet`. */
export function addBalanceCommands(wallet: Command, context: CliContext): void {
  withSigner(wallet.command('balance [address]').description('the sum of all coins (default: of the key in use)'))
    .addHelpText('after', examples('wallet balance', 'wallet balance 0x… --json'))
    .action((given: string | undefined, flags: SessionFlags) => {
      const asked = given === undefined ? undefined : idArgument(given, 'account');
      return withSession(context, flags, async (session) => {
        const address = await ownerOf(session, asked);
        const shannons = await session.client.getBalance(address, { signal: session.signal });
        const soma = shannonsToSoma(shannons);
        if (flags.json) sayJson(context, { address, balanceShannons: shannons, balanceSoma: soma });
        else say(context, `${soma} SOMA`);
      });
    });

  addTableFlags(
    withSigner(wallet.command('coins [address]').description('coins, richest first (default: of the key in use)')),
  )
    .option('--stakes', 'list stakes instead')
    .addHelpText('after', examples('wallet coins', 'wallet coins --stakes --json'))
    .action((given: string | undefined, flags: SessionFlags & TableFlags & { stakes?: boolean | undefined }) => {
      const asked = given === undefined ? undefined : idArgument(given, 'account');
      return withSession(context, flags, async (session) => {
        const address = await ownerOf(session, asked);
        if (flags.stakes) await showStakes(session, address, flags);
        else await showCoins(session, address, flags);
      });
    });

  withSigner(wallet.command('faucet [address]').description('ask the faucet of a test network for coins'), [
    'faucetUrl',
  ])
    .addHelpText('after', examples('wallet faucet', 'wallet faucet 0x… --network localnet'))
    .action((given: string | undefined, flags: SessionFlags) => {
      const asked = given === undefined ? undefined : addressArgument(given, 'recipient');
      return withSession(context, flags, async (session) => {
        const address = await ownerOf(session, asked);
        tell(context, `requesting coins for ${address}`);
        const coins = await session.client.requestFaucet(address, { signal: session.signal });
        const total = coins.reduce((sum, coin) => sum + coin.amountShannons, 0n);
        printRecord(context, flags, { address, receivedShannons: total, coins }, [
          ['received', `${shannonsToSoma(total)} SOMA`],
          ...coins.map((coin, index): [string, unknown] => [index === 0 ? 'coins' : '', coin.objectId]),
        ]);
      });
    });
}

async function ownerOf(session: SomaSession, address: string | undefined): Promise<string> {
  return address ?? (await session.signer()).address;
}

async function showCoins({ client, context, signal }: SomaSession, address: string, flags: SessionFlags & TableFlags) {
  const coins = await client.listCoins(address, { signal });
  if (flags.json) return sayJson(context, { address, coins });
  printTable(
    context,
    flags,
    coins,
    [
      { header: 'COIN', value: (coin) => coin.objectId, shrink: 1 },
      { header: 'SOMA', value: (coin) => shannonsToSoma(coin.balanceShannons), align: 'right' },
      { header: 'VERSION', value: (coin) => coin.version, align: 'right' },
    ],
    `${address} has no coins`,
  );
}

async function showStakes({ client, context, signal }: SomaSession, address: string, flags: SessionFlags & TableFlags) {
  const stakes = await client.listStakes(address, { signal });
  if (flags.json) return sayJson(context, { address, stakes });
  printTable(
    context,
    flags,
    stakes,
    [
      { header: 'STAKE', value: (stake) => stake.objectId, shrink: 2 },
      { header: 'POOL', value: (stake) => stake.poolId, shrink: 3 },
      { header: 'SOMA', value: (stake) => shannonsToSoma(stake.principal), align: 'right' },
      { header: 'FROM EPOCH', value: (stake) => stake.stakeActivationEpoch, align: 'right' },
    ],
    `${address} has no stakes`,
  );
}
