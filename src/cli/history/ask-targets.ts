import { QuarryError } from '../../errors/index.js';
import { scalarValue } from '../../soma/chain/index.js';
import type { Target } from '../../soma/client/decode/target.js';
import type { CliContext } from '../context.js';
import { tell } from '../print.js';
import { type SessionFlags, type SomaSession, withSession } from '../soma-session.js';
import { type StoredCandidate, storedCandidates } from './stored-candidates.js';
import { wonAt } from './won-at.js';

/** Winner of a target according to the node. */
export interface Winner {
  readonly submitter: string | undefined;
  readonly distance: number | undefined;
  readonly status: string;
  /** When the winning transaction was checkpointed, milliseconds since the Unix epoch. */
  readonly atMs: number | undefined;
}

/** Information about a target that is not in the journal. */
export interface AskedTarget {
  readonly winner: Winner;
  /** As the node lists it. */
  readonly target: Target;
  /** The closest samples in the store, closest first; `undefined` if unknown. */
  readonly candidates: readonly StoredCandidate[] | undefined;
}

/** Queries a node and the store about targets. Best effort: the journal's data is shown even without them. */
export async function askTargets(
  context: CliContext,
  flags: SessionFlags,
  ids: readonly string[],
): Promise<ReadonlyMap<string, AskedTarget>> {
  const asked = new Map<string, AskedTarget>();
  try {
    await withSession(context, flags, async (session) => {
      for (const id of ids) {
        try {
          asked.set(id, { ...(await askTarget(session, id)), candidates: undefined });
        } catch (error) {
          // The node prunes claimed targets and then knows no more than the journal.
          if (!(error instanceof QuarryError) || error.code !== 'NOT_FOUND') throw error;
        }
      }
      const candidates = await storedCandidates(
        session,
        [...asked.values()].map(({ target }) => target),
      );
      for (const [id, known] of asked) asked.set(id, { ...known, candidates: candidates.get(id) });
    });
  } catch (error) {
    if (!(error instanceof QuarryError) || error.code === 'ABORTED') throw error;
    tell(context, `no details from the node or the store: ${error.message}`);
  }
  return asked;
}

async function askTarget({ client, signal }: SomaSession, id: string): Promise<Omit<AskedTarget, 'candidates'>> {
  const { target: stored } = await client.getStoredTarget(id, { signal });
  const { status, submitter, winningDistanceScore: score } = stored;
  const distance = score === undefined ? undefined : scalarValue(score);
  const atMs = submitter === undefined ? undefined : await wonAt(client, id, submitter, signal);
  return { winner: { status: status.kind, submitter, distance, atMs }, target: await client.getTarget(id, { signal }) };
}
