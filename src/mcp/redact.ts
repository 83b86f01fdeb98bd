import { redactSecrets } from '../http/index.js';

/** Parameters of a URL whose value lets its holder in. */
const SIGNED = /([?&](?:X-Amz-(?:Signature|Credential|Security-Token)|Signature|sig|token)=)[^&\s"'\\]+/gi;

/** A value as an agent may see it: the user's secrets and the signatures of signed links are taken out of every text. */
export function redact(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return redactText(value, secrets);
  if (Array.isArray(value)) return value.map((each) => redact(each, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, redact(each, secrets)]));
}

/** As {@link redact}, for one text. */
export function redactText(text: string, secrets: readonly string[]): string {
  return redactSecrets(text.replace(SIGNED, '$1[redacted]'), secrets);
}
