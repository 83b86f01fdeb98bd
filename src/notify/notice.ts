/** What an operator who is not watching is notified about. */
export const NOTICES = ['node lost', 'node back', 'balance low', 'idle', 'disk', 'protocol'] as const;
export type NoticeKind = (typeof NOTICES)[number];

export interface Notice {
  readonly kind: NoticeKind;
  /** A sentence for people. */
  readonly text: string;
  /** Facts for programs; amounts are decimal strings. */
  readonly details?: Readonly<Record<string, string | number>> | undefined;
}
