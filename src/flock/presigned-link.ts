/** A parsed presigned S3 link. */
export interface PresignedLink {
  readonly url: URL;
  /** Host and path, which identify the object and do not change with the signature. */
  readonly object: string;
  /** File name at the end of the path. */
  readonly fileName: string;
  /** When the link stops accepting requests, milliseconds since the Unix epoch; undefined if it has no expiry. */
  readonly expiresAtMs: number | undefined;
}

/** Parses a presigned link; undefined if `link` is not an http(s) URL. */
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

/** A file name that cannot leave its directory, whatever the remote path contains. */
function safeFileName(segment: string): string {
  let name = segment;
  try {
    name = decodeURIComponent(segment);
  } catch {
    // Keep a malformed escape: it is only a name.
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
  name = name.replace(/[\u0000-\u001f\u007f/\\:]/g, '_').replace(/^\.+/, '');
  return name === '' ? 'training_set' : name;
}
