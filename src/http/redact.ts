/** A URL fit for logs and errors: no user info, no query (presigned links carry credentials there), no fragment. */
export function redactUrl(url: string | URL): string {
  if (!URL.canParse(String(url))) return '<invalid URL>';
  const { protocol, host, pathname, search } = new URL(url);
  return `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`;
}

/** Shorter strings would blank innocent words. */
const SHORTEST_SECRET = 6;

/** `text` with every secret replaced: services are known to echo keys in ids and messages. */
export function redactSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .reduce((clean, secret) => clean.replaceAll(secret, '[redacted]'), text);
}
