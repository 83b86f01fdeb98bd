import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { QuarryError, toQuarryError } from '../../../errors/index.js';
import type { Endpoint, TlsOptions } from './endpoint.js';

/** RFC 9113, 3.4: the client's connection preface, followed by an empty SETTINGS frame. */
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
/** RFC 9113, 6.5: type of the first frame of every server. */
const SETTINGS_FRAME = 4;
/** RFC 8446, 5.1: content type of the record with which a TLS server refuses. */
const TLS_ALERT = 0x15;

/**
 * Finds out why calls fail, by connecting once without gRPC: gRPC libraries report a refused connection, an invalid
 * certificate and a wrong protocol all as "unavailable". Returns `undefined` if this connection works.
 */
export async function diagnoseEndpoint(
  endpoint: Endpoint,
  tls: TlsOptions = {},
  timeoutMs = 5_000,
): Promise<QuarryError | undefined> {
  const { url, host, port, secure } = endpoint;
  const socket: Socket = secure
    ? connectTls({
        host,
        port,
        ALPNProtocols: ['h2'],
        // RFC 6066, 3: an IP address is not a valid server name.
        ...((tls.serverName !== undefined || isIP(host) === 0) && { servername: tls.serverName ?? host }),
        ca: tls.caPem,
        cert: tls.certPem,
        key: tls.keyPem,
      })
    : connectTcp({ host, port });
  try {
    const found = await new Promise<QuarryError | 'closed' | undefined>((resolve) => {
      socket.setTimeout(timeoutMs, () =>
        resolve(
          new QuarryError('TIMEOUT', `${url} does not answer`, { hint: 'check the host, the port and the firewall' }),
        ),
      );
      socket.once('error', (error) => resolve(describe(error, endpoint)));
      socket.once('close', () => resolve('closed'));
      socket.once(secure ? 'secureConnect' : 'connect', () => socket.write(PREFACE));
      socket.once('data', (bytes) => resolve(judge(bytes, url)));
    });
    if (found !== 'closed') return found;
    if (!secure && (await speaksTls(endpoint, timeoutMs))) return expectsTls(url);
    return new QuarryError('UNREACHABLE', `${url} closed the connection immediately`, {
      hint: 'another service may be listening there; check the port',
    });
  } finally {
    socket.destroy();
  }
}

/** Detects TLS servers that do not answer plain text. Certificates are not checked, as nothing is sent. */
async function speaksTls({ host, port }: Endpoint, timeoutMs: number): Promise<boolean> {
  const socket = connectTls({ host, port, ALPNProtocols: ['h2'], rejectUnauthorized: false });
  try {
    return await new Promise<boolean>((resolve) => {
      socket.setTimeout(timeoutMs, () => resolve(false));
      socket.once('secureConnect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
  } finally {
    socket.destroy();
  }
}

function expectsTls(url: string): QuarryError {
  return new QuarryError('TLS', `${url} expects TLS`, { hint: 'use https: in the URL' });
}

function judge(bytes: Buffer, url: string): QuarryError | undefined {
  if (bytes[3] === SETTINGS_FRAME && bytes[0] !== TLS_ALERT) return undefined;
  if (bytes[0] === TLS_ALERT) return expectsTls(url);
  return new QuarryError('PROTOCOL', `${url} does not speak HTTP/2`, {
    hint: 'a fullnode answers gRPC there; check the port',
  });
}

function describe(error: Error, endpoint: Endpoint): QuarryError {
  const found = toQuarryError(error, `connecting to ${endpoint.url}`);
  const errno = (error as NodeJS.ErrnoException).code ?? '';
  if (endpoint.secure && found.code !== 'UNREACHABLE' && found.code !== 'TIMEOUT') {
    const plain = errno === 'ERR_SSL_WRONG_VERSION_NUMBER' || errno === 'ERR_SSL_PACKET_LENGTH_TOO_LONG';
    return new QuarryError('TLS', `no TLS connection to ${endpoint.url}: ${error.message}`, {
      hint: plain ? 'the server speaks plain text: use http: in the URL' : 'check the certificate and the host name',
      details: { errno },
      cause: error,
    });
  }
  return new QuarryError(found.code, `cannot reach ${endpoint.url}: ${errno || error.message}`, {
    hint: 'check the URL, and that the node is running',
    details: { ...found.details },
    cause: error,
  });
}
