import { Command } from 'commander';
import PQueue from 'p-queue';
import { type QuarryError, toQuarryError } from '../../errors/index.js';
import { type SignedTransaction, shannonsToSoma } from '../../soma/chain/index.js';
import type { SomaAccount } from '../../soma/client/account/soma-account.js';
import { assertSucceeded } from '../../soma/client/decode/execution-error.js';
import type { Target } from '../../soma/client/decode/target.js';
import type { TransactionResult } from '../../soma/client/execute/transaction-result.js';
import type { SomaClient } from '../../soma/client/soma-client.js';
import type { CliContext } from '../context.js';
import { idArgument } from '../parse-argument.js';
import { examples, say, sayJson, tell } from '../print.js';
import { type SessionFlags, type SomaSession, withSession, withSigner } from '../soma-session.js';

interface ClaimFlags extends SessionFlags {
  readonly expired?: boolean | undefined;
}

/** What became of one claim. */
type ClaimOutcome =
  | {
      readonly targetId: string;
      readonly digest: string;
      readonly receivedShannons: bigint;
      readonly feeShannons: bigint;
    }
  | { readonly targetId: string; readonly error: QuarryError };

/** `quarry claim`. */
export function claimCommand(context: CliContext): Command {
  return withSigner(
    new Command('claim').description('claim rewards: of your filled targets, two epochs after they were filled'),
    ['maxInFlight'],
  )
    .argument('[targets...]', 'only these targets (default: all of yours that are due)')
    .option('--expired', "also return expired targets, anybody's, for their incentive")
    .addHelpText('after', examples('claim', 'claim 0x…', 'claim --expired --json'))
    .action((ids: string[], flags: ClaimFlags) => {
      const named = ids.map((id) => idArgument(id, 'target'));
      return withSession(context, flags, (session) => claim(session, named, flags));
    });
}

async function claim(session: SomaSession, named: readonly string[], flags: ClaimFlags): Promise<void> {
  const { client, context, signal } = session;
  const keypair = await session.signer();
  const targets =
    named.length > 0 ? await targetsOf(session, named) : await dueTargets(session, keypair.address, flags);
  if (targets.length === 0) {
    if (flags.json) sayJson(context, { claimed: 0, receivedShannons: 0n, feeShannons: 0n });
    else tell(context, 'nothing to claim');
    return;
  }
  const parallel = Math.min(session.config.maxInFlight, targets.length);
  const account = client.account(keypair, { parallel });
  const queue = new PQueue({ concurrency: parallel });
  const outcomes = await queue.addAll(
    targets.map((target) => async () => {
      const outcome = await claimOne(client, account, target, signal);
      print(session, flags, outcome);
      return outcome;
    }),
  );
  const claimed = outcomes.flatMap((outcome) => ('digest' in outcome ? [outcome] : []));
  const receivedShannons = claimed.reduce((sum, outcome) => sum + outcome.receivedShannons, 0n);
  const feeShannons = claimed.reduce((sum, outcome) => sum + outcome.feeShannons, 0n);
  if (flags.json) sayJson(context, { claimed: claimed.length, receivedShannons, feeShannons });
  else {
    const fees = shannonsToSoma(feeShannons);
    tell(context, `${claimed.length} claimed: ${shannonsToSoma(receivedShannons)} SOMA, ${fees} SOMA in fees`);
  }
  const [failed] = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []));
  if (failed !== undefined) throw failed;
}

function targetsOf({ client, signal }: SomaSession, ids: readonly string[]): Promise<Target[]> {
  return Promise.all(ids.map((id) => client.getTarget(id, { signal })));
}

async function dueTargets({ client, signal }: SomaSession, submitter: string, flags: ClaimFlags): Promise<Target[]> {
  const due: Target[] = [];
  for await (const target of client.listAllTargets({ status: 'claimable', submitter, signal })) due.push(target);
  if (flags.expired) {
    for await (const target of client.listAllTargets({ status: 'expired', signal })) due.push(target);
  }
  return due;
}

async function claimOne(
  client: SomaClient,
  account: SomaAccount,
  target: Target,
  signal: AbortSignal,
): Promise<ClaimOutcome> {
  try {
    const { id: targetId, rewardPoolShannons: rewardShannons } = target;
    const result = await claimed(client, account, { targetId, rewardShannons, signal });
    const { digest, effects } = result;
    const change = await client.balanceChange(result, account.address, { signal });
    const feeShannons = effects.fee.totalFee;
    return { targetId, digest, receivedShannons: change + feeShannons, feeShannons };
  } catch (error) {
    const failure = toQuarryError(error, `claiming ${target.id}`);
    if (failure.code === 'ABORTED') throw failure;
    return { targetId: target.id, error: failure };
  }
}

/** Claims, and finds out what became of the claim where its answer did not come. */
async function claimed(
  client: SomaClient,
  account: SomaAccount,
  options: Parameters<SomaAccount['claimRewards']>[0],
): Promise<TransactionResult> {
  let signed: SignedTransaction | undefined;
  const onSigned = (each: SignedTransaction): void => {
    signed = each;
  };
  try {
    return await account.claimRewards({ ...options, onSigned });
  } catch (error) {
    const { code } = toQuarryError(error, 'claiming');
    if (code !== 'OUTCOME_UNKNOWN' || signed === undefined) throw error;
    const recovery = await client.recoverTransaction(signed, options);
    if (recovery.kind !== 'executed') throw recovery.reason;
    assertSucceeded(recovery.result.effects, 'claiming');
    return recovery.result;
  }
}

function print({ context }: SomaSession, flags: ClaimFlags, outcome: ClaimOutcome): void {
  if (flags.json) {
    sayJson(context, 'error' in outcome ? { targetId: outcome.targetId, error: outcome.error.toJSON() } : outcome);
    return;
  }
  const { green, red } = context.style;
  if ('error' in outcome) say(context, `${red('failed ')}  ${outcome.targetId}  ${outcome.error.message}`);
  else say(context, `${green('claimed')}  ${outcome.targetId}  ${shannonsToSoma(outcome.receivedShannons)} SOMA`);
}
