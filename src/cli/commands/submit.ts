import { bytesToHex } from '@noble/hashes/utils.js';
import { Command } from 'commander';
import { QuarryError } from '../../errors/index.js';
import { type DataHost, verifiedHost } from '../../hosting/index.js';
import type { HostedSample } from '../../miner/submit/sample-hosting.js';
import { limitsOf } from '../../miner/submit/submission-limits.js';
import { submitSample } from '../../miner/submit/submit-sample.js';
import { HttpClient } from '../../net/index.js';
import { blake2b256, shannonsToSoma, submissionBond } from '../../soma/chain/index.js';
import type { Target } from '../../soma/client/decode/target.js';
import { MODEL_CONFIGS } from '../../weights/model-config.js';
import type { CliContext } from '../context.js';
import { endsWithProcess, HOST_SETTINGS, noHost, openDataHost } from '../data-host.js';
import { idArgument } from '../parse-argument.js';
import { examples, printRecord, tell } from '../print.js';
import { liveArea } from '../progress-output.js';
import { readJoined, readSample } from '../sample-file.js';
import { withJournal } from '../session-journal.js';
import { type SessionFlags, type SomaSession, withSession, withSigner } from '../soma-session.js';
import { scoreForTarget, type TargetScore } from '../target-scoring.js';
import { untilInterrupted } from '../until-interrupted.js';
import { verifyHostedFile } from '../verify-hosted.js';

interface SubmitFlags extends SessionFlags {
  readonly target: string;
  readonly url?: string | undefined;
  readonly dryRun?: boolean | undefined;
  readonly compose?: boolean | undefined;
}

/** `quarry submit`. */
export function submitCommand(context: CliContext): Command {
  const command = new Command('submit')
    .description('score one file under the models of a target and submit it if it hits')
    .argument('<file...>', 'the data, unmodified; several files with --compose')
    .requiredOption('--target <id>', 'open target')
    .option('--compose', 'join the files into one sample: whole chunks of 1,024 bytes, at most 16 in all')
    .option('--url <url>', 'the file is hosted there already');
  withSigner(command, ['engine', 'isa', 'onnxProvider', 'devices', 'workers', 'threads', 'dryRun', ...HOST_SETTINGS]);
  return command
    .addHelpText(
      'after',
      `
Anyone must be able to fetch submitted data until the target is claimed. This process's own host (--data-port)
serves it until Ctrl-C.
${examples(
  'submit sample.txt --target 0x… --dry-run',
  'submit sample.txt --target 0x… --s3-bucket my-data --s3-public-url https://data.example.com',
  'submit --compose a.bin b.bin c.bin --target 0x… --dry-run',
  'submit sample.txt --target 0x… --url https://example.com/sample.txt --json',
)}`,
    )
    .action((files: string[], flags: SubmitFlags) => {
      const targetId = idArgument(flags.target, 'target');
      if (files.length > 1 && flags.compose !== true) {
        throw new QuarryError('USAGE', `${files.length} files are separate samples`, {
          hint: 'submit them one by one, or join them with --compose',
        });
      }
      return withSession(context, flags, (session) => submit(session, files, targetId, flags));
    });
}

async function submit(
  session: SomaSession,
  files: readonly string[],
  targetId: string,
  flags: SubmitFlags,
): Promise<void> {
  const { client, config, context, signal } = session;
  const dryRun = config.dryRun;
  const { parameters, epoch } = await client.getSystemState({ signal });
  const { file, sample, parts } = await readData(files, Number(parameters.maxSubmissionDataSize), flags);
  const target = await client.getTarget(targetId, { signal });
  assertOpen(target, epoch);
  // Check key and host before an hour of scoring.
  const signer = dryRun ? undefined : await session.signer();
  const host = dryRun || flags.url !== undefined ? undefined : await openDataHost(config, session.stateDir);
  try {
    if (signer !== undefined && host === undefined && flags.url === undefined) throw noHost('submitted data');
    const live = liveArea(context, flags);
    const score = await scoreForTarget(session, target, sample, live).finally(() => live.clear());
    const hit = score.distance <= target.distanceThreshold;
    const bondShannons = submissionBond(sample.byteLength, parameters.submissionBondPerByte);
    if (signer === undefined) {
      print(session, flags, target, score, { outcome: hit ? 'hit' : 'miss', bondShannons, ...parts });
      return;
    }
    if (!hit) throw missed(target, score);
    const hosted = await hostSample(session, host, flags.url, file, sample);
    const { digest, feeShannons } = await withJournal(session, signer.address, (journal) => {
      // Recorded so that a miner with the same state directory stops hosting it after the audit window.
      if (host !== undefined) journal.hostings.record(hosted.checksum, hosted.url, epoch);
      const account = client.account(signer);
      const now = performance.now();
      const content = { ...score, open: { target, seenAt: now, seenOn: client.nodeUrl }, readyAt: now, origin: file };
      return submitSample(content, hosted, { client, account, journal, limits: limitsOf(parameters) }, signal);
    });
    const checkpoint = await client.waitForTransaction(digest, { signal });
    const { url } = hosted;
    const money = { bondShannons, feeShannons };
    print(session, flags, target, score, { outcome: 'accepted', digest, checkpoint, url, ...money, ...parts });
    if (endsWithProcess(host)) {
      tell(context, 'serving the data: auditors fetch it here until the target is claimed; Ctrl-C stops');
      await untilInterrupted(signal);
    }
  } finally {
    await host?.close();
  }
}

/** Reads the bytes to submit: one file, or with --compose all files joined. */
async function readData(
  files: readonly string[],
  maxBytes: number,
  flags: SubmitFlags,
): Promise<{ file: string; sample: Uint8Array; parts: { readonly parts?: number | undefined } }> {
  const [file = ''] = files;
  if (flags.compose !== true) return { file, sample: await readSample(file, maxBytes), parts: {} };
  const { bytes } = await readJoined(files, maxBytes, MODEL_CONFIGS.v1);
  return { file: `${files.length} parts`, sample: bytes, parts: { parts: files.length } };
}

function assertOpen(target: Target, epoch: bigint): void {
  if (target.status === 'open' && target.generationEpoch === epoch) return;
  const why = target.status === 'open' ? `expired with epoch ${target.generationEpoch}` : `is ${target.status}`;
  throw new QuarryError('FAILED_PRECONDITION', `target ${target.id} ${why}`, {
    hint: 'list open targets: quarry targets list',
    details: { targetId: target.id, status: target.status, epoch },
  });
}

function missed(target: Target, score: TargetScore): QuarryError {
  const { distance } = score;
  const threshold = target.distanceThreshold;
  return new QuarryError(
    'FAILED_PRECONDITION',
    `a miss: distance ${distance.toFixed(6)}, threshold ${threshold.toFixed(6)}`,
    {
      hint: 'nothing was submitted; try another file or target',
      details: { targetId: target.id, distance, threshold, loss: score.loss, modelId: score.modelId },
    },
  );
}

/** Hosts the sample before it is submitted and fetches it back: a wrong URL would cost the bond. */
async function hostSample(
  session: SomaSession,
  host: DataHost | undefined,
  url: string | undefined,
  file: string,
  sample: Uint8Array,
): Promise<HostedSample> {
  const { client, signal } = session;
  const checksum = bytesToHex(blake2b256(sample));
  if (url !== undefined) {
    await verifyHostedFile(session, url, checksum, file);
    return { bytes: sample, url, checksum };
  }
  if (host === undefined) throw noHost('submitted data');
  const http = new HttpClient({ addressPolicy: client.addressPolicy });
  try {
    return { bytes: sample, url: await verifiedHost(host, http).publish(checksum, sample, signal), checksum };
  } finally {
    await http.close();
  }
}

function print(
  { context }: SomaSession,
  flags: SubmitFlags,
  target: Target,
  score: TargetScore,
  more: { readonly outcome: string; readonly bondShannons: bigint } & Readonly<Record<string, unknown>>,
): void {
  const { modelId, loss, losses, distance, engine } = score;
  const threshold = target.distanceThreshold;
  const { outcome, bondShannons, feeShannons, parts, ...rest } = more;
  const json = { targetId: target.id, outcome, distance, threshold, modelId, loss, losses, engine };
  const { green, yellow } = context.style;
  printRecord(
    context,
    flags,
    { ...json, rewardShannons: target.rewardPoolShannons, bondShannons, feeShannons, parts, ...rest },
    [
      ['target', target.id],
      [
        'outcome',
        `${outcome === 'miss' ? yellow(outcome) : green(outcome)}${parts === undefined ? '' : `, ${parts} parts`}`,
      ],
      ['distance', `${distance.toFixed(6)} (threshold ${threshold.toFixed(6)})`],
      ['winner', modelId],
      ['loss', `${loss.toFixed(6)} of ${losses.map((each) => each.toFixed(6)).join(', ')}`],
      ['reward', `${shannonsToSoma(target.rewardPoolShannons)} SOMA`],
      ['bond', `${shannonsToSoma(bondShannons)} SOMA`],
      ...(typeof feeShannons === 'bigint' ? [['fee', `${shannonsToSoma(feeShannons)} SOMA`] as const] : []),
      ...Object.entries(rest),
    ],
  );
}
