/** What a person is told of who does not watch. */
export const NOTICES = ['node lost', 'node back', 'balance low', 'idle', 'disk', 'protocol'] as const;
export type NoticeKind = (typeof NOTICES)[number];

export interface Notice {
  readonly kind: NoticeKind;
  /** A sentence for people. */
  readonly text: string;
  /** Facts for programs; amounts are decimal strings. */
  readonly details?: Readonly<Record<string, string | number>> | undefined;
}
