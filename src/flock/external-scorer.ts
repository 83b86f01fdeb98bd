import { QuarryError } from '../errors/index.js';
import { isJsonObject } from './json.js';
import { runShell } from './run-shell.js';
import type { Scorer, ScorerVerdict } from './validator-loop.js';

/** Exit statuses of scoring programs. */
export const SCORER_EXIT = { scored: 0, submissionInvalid: 10, operatorProblem: 11 } as const;

/** Maximum output of a scoring program, bytes. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/** Options of an external scorer. */
export interface ExternalScorerOptions {
  /** Shell command. Receives the input as JSON on standard input, with `eval_file`; prints metrics as JSON. */
  readonly command: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called with its standard error as it arrives. */
  readonly onStderr?: ((chunk: Uint8Array) => void) | undefined;
  /** Time limit of a run. Default: none. */
  readonly timeoutMs?: number | undefined;
}

/**
 * A scorer that runs a program: exit status 0 with metrics on standard output, 10 for an invalid submission, 11 for a
 * problem with this machine; after any other status the run is repeated.
 */
export function externalScorer(options: ExternalScorerOptions): Scorer {
  return async ({ input, assignment, evalFile, taskId, signal }) => {
    const request = JSON.stringify({
      ...input,
      task_id: taskId,
      assignment_id: assignment.id,
      eval_file: evalFile,
    });
    const parts: Buffer[] = [];
    let size = 0;
    const keep = (chunk: Buffer): boolean => {
      size += chunk.length;
      if (size <= MAX_OUTPUT_BYTES) parts.push(chunk);
      return size <= MAX_OUTPUT_BYTES;
    };
    const code = await runShell({ ...options, input: request, onStdout: keep, signal });
    return verdictOf(code, Buffer.concat(parts).toString('utf8'));
  };
}

function verdictOf(code: number | null, stdout: string): ScorerVerdict {
  if (code === SCORER_EXIT.submissionInvalid)
    return { verdict: 'invalid', reason: 'the scorer reports an invalid submission' };
  if (code === SCORER_EXIT.operatorProblem)
    return { verdict: 'operator', reason: 'the scorer reports a problem with this machine' };
  if (code !== SCORER_EXIT.scored) {
    throw new QuarryError('DATA_INVALID', `the scorer ended ${code === null ? 'by a signal' : `with status ${code}`}`, {
      hint: 'Status 0 means scored, 10 invalid submission, 11 a problem with this machine.',
    });
  }
  let metrics: unknown;
  try {
    // Programs may print other text first: if the output is not JSON as a whole, use the last non-blank line.
    metrics = tryJson(stdout) ?? JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  } catch (cause) {
    throw new QuarryError('DATA_INVALID', 'the scorer printed no JSON', { cause });
  }
  if (!isJsonObject(metrics)) throw new QuarryError('DATA_INVALID', 'the scorer printed no JSON object of metrics');
  return { verdict: 'scored', metrics };
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
