import { QuarryError } from '../../errors/index.js';
import type { AuthorisedTransport } from '../credentials.js';
import { APIError } from '../errors.js';
import { isWire, type Wire } from '../wire.js';
import type { CallOptions, DialectName } from './dialect.js';

/**
 * Detects the dialect of the coordinator at the base URL from its health endpoints.
 *
 * @throws QuarryError `UNSUPPORTED` when it is not a coordinator
 * @throws QuarryError `UNREACHABLE`, `TIMEOUT`, `TLS`, `ABORTED`
 */
export async function detectDialect(
  transport: AuthorisedTransport,
  healthPath: string | undefined,
  options: CallOptions = {},
): Promise<DialectName> {
  for (const path of healthPath === undefined ? ['/v1/health', '/health'] : [healthPath]) {
    const body = await probe(transport, path, options);
    if (body === undefined) continue;
    if ('python_version' in body) return 'live-jwt';
    if (isWire(body['services']) || 'version' in body) return 'documented';
    if ('service' in body) {
      throw new QuarryError(
        'UNSUPPORTED',
        `the base URL leads to the AITBC service "${String(body['service']).slice(0, 60)}"`,
        {
          hint: 'give the URL of the coordinator, not of the gateway or the marketplace',
        },
      );
    }
    if ('env' in body) return path === '/health' ? 'live-jwt' : 'live-key';
  }
  throw new QuarryError('UNSUPPORTED', 'no AITBC coordinator answers at the base URL', {
    hint: 'check --base-url; set --dialect and a health path if a proxy moves them',
  });
}

async function probe(transport: AuthorisedTransport, path: string, options: CallOptions): Promise<Wire | undefined> {
  try {
    const spec = { operation: 'health', method: 'GET', path, signal: options.signal } as const;
    const answer = await transport.call('documented', spec);
    const body = answer.json();
    return isWire(body) ? body : undefined;
  } catch (error) {
    // 404 if the route does not exist; 401 or 403 if a proxy guards all unknown routes.
    if (error instanceof APIError && error.status < 500) return undefined;
    if (error instanceof QuarryError && error.code === 'PROTOCOL') return undefined;
    throw error;
  }
}
