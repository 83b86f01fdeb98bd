import { redactSecrets } from '../net/index.js';

/** URL parameters whose values grant access. */
const SIGNED = /([?&](?:X-Amz-(?:Signature|Credential|Security-Token)|Signature|sig|token)=)[^&\s"'\\]+/gi;

/** Redacts a value for agents: removes the user's secrets and the signatures of signed links from all strings. */
export function redact(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return redactText(value, secrets);
  if (Array.isArray(value)) return value.map((each) => redact(each, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, redact(each, secrets)]));
}

/** Like {@link redact}, for one string. */
export function redactText(text: string, secrets: readonly string[]): string {
  return redactSecrets(text.replace(SIGNED, '$1[redacted]'), secrets);
}
