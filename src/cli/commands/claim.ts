import { Command } from 'commander';
import type { ClaimOutcome } from '../../miner/submit/claim-target.js';
import { Claimer } from '../../miner/submit/claimer.js';
import { settleSubmissions } from '../../miner/submit/settle-submissions.js';
import { shannonsToSoma } from '../../soma/chain/index.js';
import type { CliContext } from '../context.js';
import { idArgument } from '../parse-argument.js';
import { examples, say, sayJson, tell } from '../print.js';
import { withJournal } from '../session-journal.js';
import { type SessionFlags, type SomaSession, withSession, withSigner } from '../soma-session.js';

interface ClaimFlags extends SessionFlags {
  readonly expired?: boolean | undefined;
}

/** `quarry claim`. */
export function claimCommand(context: CliContext): Command {
  return withSigner(
    new Command('claim').description('claim the rewards of your filled targets, two epochs after they were filled'),
    ['stateDir', 'maxInFlight'],
  )
    .argument('[targets...]', 'only these targets (default: all yours that are due)')
    .option('--expired', "also return anyone's expired targets, for the incentive")
    .addHelpText('after', examples('claim', 'claim 0x…', 'claim --expired --json'))
    .action((ids: string[], flags: ClaimFlags) => {
      const named = ids.map((id) => idArgument(id, 'target'));
      return withSession(context, flags, (session) => claim(session, named, flags));
    });
}

/** Claims like a miner, using the journal of the same state directory. */
async function claim(session: SomaSession, named: readonly string[], flags: ClaimFlags): Promise<void> {
  const { client, config, signal } = session;
  const account = client.account(await session.signer());
  const outcomes: ClaimOutcome[] = [];
  const onOutcome = (outcome: ClaimOutcome): void => {
    outcomes.push(outcome);
    print(session, flags, outcome);
  };
  await withJournal(session, account.address, async (journal) => {
    await settleSubmissions({ client, account, journal }, new Set(), () => {}, signal);
    const { epoch } = await client.getSystemState({ signal });
    const claimer = new Claimer(
      { claimExpired: flags.expired ?? false, maxInFlight: config.maxInFlight },
      { client, account, journal, onOutcome, maySpend: async () => {} },
    );
    if (named.length === 0) await claimer.noteDue(epoch, signal);
    const due = named.length > 0 ? named.length : journal.claims.countDue(epoch);
    // Split coins only for as many claims as will be in flight at once.
    account.configure({ parallel: Math.max(1, Math.min(config.maxInFlight, due)) });
    await (named.length > 0 ? claimer.claimTargets(named, epoch, signal) : claimer.claimDue(epoch, signal));
  });
  printTotal(session, flags, outcomes);
  for (const outcome of outcomes) if (outcome.kind === 'failed') throw outcome.error;
}

function print({ context }: SomaSession, flags: ClaimFlags, outcome: ClaimOutcome): void {
  const { targetId } = outcome;
  const { green, red, yellow } = context.style;
  if (outcome.kind === 'claimed') {
    const { digest, receivedShannons, feeShannons } = outcome;
    if (flags.json) sayJson(context, { targetId, digest, receivedShannons, feeShannons });
    else say(context, `${green('claimed')}  ${targetId}  ${shannonsToSoma(receivedShannons)} SOMA`);
  } else if (outcome.kind === 'gone') {
    if (flags.json) sayJson(context, { targetId, gone: true });
    else say(context, `${yellow('gone   ')}  ${targetId}  claimed already`);
  } else if (flags.json) sayJson(context, { targetId, error: outcome.error.toJSON() });
  else say(context, `${red('failed ')}  ${targetId}  ${outcome.error.message}`);
}

function printTotal({ context }: SomaSession, flags: ClaimFlags, outcomes: readonly ClaimOutcome[]): void {
  const claimed = outcomes.flatMap((outcome) => (outcome.kind === 'claimed' ? [outcome] : []));
  const receivedShannons = claimed.reduce((sum, outcome) => sum + outcome.receivedShannons, 0n);
  const feeShannons = claimed.reduce((sum, outcome) => sum + outcome.feeShannons, 0n);
  if (flags.json) sayJson(context, { claimed: claimed.length, receivedShannons, feeShannons });
  else if (outcomes.length === 0) tell(context, 'nothing to claim');
  else {
    const fees = shannonsToSoma(feeShannons);
    tell(context, `${claimed.length} claimed: ${shannonsToSoma(receivedShannons)} SOMA, ${fees} SOMA in fees`);
  }
}
