import {
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import {
  type Authenticator,
  credsAuthenticator,
  errors,
  type NatsConnection,
  nkeyAuthenticator,
} from '@nats-io/transport-node';
import { isAbort, QuarryError } from '../errors/index.js';
import { readNamedFile } from '../files/named-file.js';
import { retry, unlessAborted, withoutPasswords } from '../net/index.js';
import { type DialledNats, dialNats } from './dial-nats.js';

export interface FleetConnectionOptions {
  /** `nats://host:4222` or `tls://host:4222`; several separated by commas. */
  readonly url: string;
  /** Path of a NATS credentials file (JWT and nkey) or of a file that holds only an nkey seed. */
  readonly credentials?: string | undefined;
  /** PEM file with the CA that signed the server's certificate. Default: the CAs that Node trusts. */
  readonly caFile?: string | undefined;
  /** Fleet name: 1 to 64 letters, digits, `-` or `_`. Fleets with different names can share a server. */
  readonly fleet: string;
  /** JetStream replicas of the fleet's queue and buckets, 1 to 5. Default 1. */
  readonly replicas?: number | undefined;
  /** Connection name, as the NATS server lists it. */
  readonly name: string;
}

/** A fleet's NATS connection, with its work queue and buckets. */
export interface FleetConnection {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** JetStream stream that is the fleet's work queue. */
  readonly stream: string;
  /** Prefix of every subject of the fleet. */
  readonly prefix: string;
  /** Models that scorers can be asked to score with, by weights identity. */
  readonly models: KV;
  /** Live scorers by id; entries expire. */
  readonly scorers: KV;
  /** Object store of shared weights; created when the coordinator first shares some. */
  readonly weightsBucket: string;
  /** JetStream replicas of everything created through this connection. */
  readonly replicas: number;
  /** Creates the stream and buckets that are missing, for example after the server lost its disk. */
  restore(): Promise<void>;
  close(): Promise<void>;
}

/** TTL of a scorer's status entry. */
const SCORER_LIFETIME_MS = 10_000;
/** A TLS handshake on a busy machine can take several seconds. */
const CONNECT_LIMIT_MS = 15_000;
/** The server drops a message whose id it has already seen within this window. */
const DUPLICATE_WINDOW_NS = 120e9;
/** Error codes while another connection creates the same stream: its name or subjects are in use. */
const BEING_MADE = [10_058, 10_065];
/** Connections that open a new fleet at the same time wait for the one that creates its streams. */
const UNTIL_MADE = {
  attempts: 8,
  backoff: { baseMs: 50, maxMs: 1_000 },
  isRetryable: (error: unknown) => error instanceof JetStreamApiError && BEING_MADE.includes(error.code),
};

/**
 * Connects to a fleet and creates its stream and buckets if they are missing.
 *
 * @param signal ends the attempt; an open connection does not listen to it
 * @throws QuarryError `ABORTED` when the signal fires first
 * @throws QuarryError `UNREACHABLE` when no server answers, `UNAUTHENTICATED` when the server refuses the credentials
 * @throws QuarryError `UNSUPPORTED` when the server runs without JetStream
 * @throws QuarryError `CONFIG_INVALID` when the fleet name is malformed
 */
export async function openFleet(options: FleetConnectionOptions, signal?: AbortSignal): Promise<FleetConnection> {
  const { fleet } = options;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(fleet)) {
    throw new QuarryError('CONFIG_INVALID', `"${fleet}" is not a valid fleet name`, {
      hint: 'letters, digits, - and _',
    });
  }
  const dialled = await dial(options, signal);
  try {
    return await unlessAborted(openOn(dialled, options), 'opening the fleet', signal);
  } catch (error) {
    await dialled.close();
    if (isAbort(error)) throw error;
    throw new QuarryError('UNSUPPORTED', `the NATS server cannot hold the fleet's work: ${textOf(error)}`, {
      hint: 'start it with JetStream: nats-server -js -sd DIR',
      cause: error,
    });
  }
}

async function openOn({ nc, close }: DialledNats, options: FleetConnectionOptions): Promise<FleetConnection> {
  const { fleet, replicas = 1 } = options;
  const jsm = await jetstreamManager(nc);
  const stream = `QUARRY_${fleet}`;
  const prefix = `quarry.${fleet}`;
  const kvm = new Kvm(nc);
  const make = async (): Promise<Pick<FleetConnection, 'models' | 'scorers'>> => {
    await ensureStream(jsm, stream, `${prefix}.work.>`, replicas);
    const models = await kvm.create(`quarry_${fleet}_models`, { history: 1, replicas });
    const scorers = await kvm.create(`quarry_${fleet}_scorers`, { history: 1, ttl: SCORER_LIFETIME_MS, replicas });
    return { models, scorers };
  };
  const buckets = await retry(make, UNTIL_MADE);
  const restore = async (): Promise<void> => {
    await retry(make, UNTIL_MADE);
  };
  const weightsBucket = `quarry_${fleet}_weights`;
  return { nc, js: jetstream(nc), jsm, stream, prefix, weightsBucket, replicas, ...buckets, restore, close };
}

async function dial(
  { url, credentials, caFile, name }: FleetConnectionOptions,
  signal: AbortSignal | undefined,
): Promise<DialledNats> {
  const authenticator = credentials === undefined ? undefined : await authenticatorOf(credentials, signal);
  const ca =
    caFile === undefined
      ? undefined
      : (await readNamedFile(caFile, { doing: 'reading the certificate authority', signal })).toString();
  try {
    const servers = url.split(',').map((each) => each.trim());
    const options = {
      servers,
      name,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
      timeout: CONNECT_LIMIT_MS,
      ...(authenticator !== undefined && { authenticator }),
      ...(ca !== undefined && { tls: { ca } }),
    };
    return await dialNats(options, signal);
  } catch (error) {
    if (isAbort(error)) throw error;
    const refused =
      error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError;
    throw new QuarryError(
      refused ? 'UNAUTHENTICATED' : 'UNREACHABLE',
      `no NATS server at ${withoutPasswords(url)}: ${textOf(error)}`,
      {
        hint: refused ? 'give its credentials file with --nats-creds' : 'start one: nats-server -js -sd DIR',
        cause: error,
      },
    );
  }
}

async function authenticatorOf(path: string, signal: AbortSignal | undefined): Promise<Authenticator> {
  const content = await readNamedFile(path, { doing: 'reading the NATS credentials', signal });
  const text = content.toString().trim();
  if (text.includes('NATS USER JWT')) return credsAuthenticator(content);
  if (/^SU[A-Z2-7]{56}$/.test(text)) return nkeyAuthenticator(Buffer.from(text));
  throw new QuarryError('CONFIG_INVALID', `${path} contains neither NATS credentials nor the seed of a user nkey`, {
    hint: 'generate one with: nk -gen user',
  });
}

async function ensureStream(jsm: JetStreamManager, name: string, subject: string, replicas: number): Promise<void> {
  // Credentials without the right to create streams can still use an existing one.
  if (await jsm.streams.info(name).catch(() => undefined)) return;
  await jsm.streams.add({
    name,
    subjects: [subject],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    num_replicas: replicas,
    duplicate_window: DUPLICATE_WINDOW_NS,
  });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
