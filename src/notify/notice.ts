/** Kinds of notices sent to an operator. */
export const NOTICES = ['node lost', 'node back', 'balance low', 'idle', 'disk', 'protocol'] as const;
export type NoticeKind = (typeof NOTICES)[number];

export interface Notice {
  readonly kind: NoticeKind;
  /** Human-readable sentence. */
  readonly text: string;
  /** Machine-readable details; amounts are decimal strings. */
  readonly details?: Readonly<Record<string, string | number>> | undefined;
}
