/** A URL fit for logs and errors: no user info, no query (presigned links carry credentials there), no fragment. */
export function redactUrl(url: string | URL): string {
  if (!URL.canParse(String(url))) return '<invalid URL>';
  const { protocol, host, pathname, search } = new URL(url);
  return `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`;
}
