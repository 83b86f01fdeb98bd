/** What a presigned S3 link says about itself. */
export interface PresignedLink {
  readonly url: URL;
  /** Host and path: the identity of the object, stable while the signature changes. */
  readonly object: string;
  /** File name at the end of the path. */
  readonly fileName: string;
  /** Milliseconds since the epoch at which the link stops starting requests; undefined when it carries no expiry. */
  readonly expiresAtMs: number | undefined;
}

/** Reads a presigned link, or undefined when `link` is not an http(s) address. */
export function parsePresignedLink(link: string): PresignedLink | undefined {
  let url: URL;
  try {
    url = new URL(link);
  } catch {
    return undefined;
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  const date = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(url.searchParams.get('X-Amz-Date') ?? '');
  const seconds = Number(url.searchParams.get('X-Amz-Expires') ?? Number.NaN);
  const signedAt = date
    ? Date.UTC(Number(date[1]), Number(date[2]) - 1, Number(date[3]), Number(date[4]), Number(date[5]), Number(date[6]))
    : Number.NaN;
  const expiresAtMs = signedAt + seconds * 1000;
  return {
    url,
    object: `${url.host}${url.pathname}`,
    fileName: safeFileName(url.pathname.split('/').at(-1) ?? ''),
    expiresAtMs: Number.isNaN(expiresAtMs) ? undefined : expiresAtMs,
  };
}

/** A name that stays inside its directory whatever the remote path says. */
function safeFileName(segment: string): string {
  let name = segment;
  try {
    name = decodeURIComponent(segment);
  } catch {
    // A malformed escape stays as it is: it is only a name.
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
  name = name.replace(/[\u0000-\u001f\u007f/\\:]/g, '_').replace(/^\.+/, '');
  return name === '' ? 'training_set' : name;
}
