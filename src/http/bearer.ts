import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether an `authorization` header is `Bearer <token>`, in a time that tells nothing of the token. */
export function bearerMatches(header: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`));
}
