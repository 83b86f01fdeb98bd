/**
 * Returns a URL safe for logs and errors: without user info, query (presigned links carry credentials there) and
 * fragment.
 */
export function redactUrl(url: string | URL): string {
  if (!URL.canParse(String(url))) return '<invalid URL>';
  const { protocol, host, pathname, search } = new URL(url);
  return `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`;
}

/** Redacting shorter strings would remove ordinary words. */
const SHORTEST_SECRET = 6;

/** Replaces every secret in `text`: services are known to echo keys in ids and messages. */
export function redactSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .reduce((clean, secret) => clean.replaceAll(secret, '[redacted]'), text);
}

/** Removes user and password from every URL in `text`, which may quote what the user typed in the wrong place. */
export function withoutPasswords(text: string): string {
  return text.replace(/:\/\/[^\s/]*@/g, '://');
}
