import type { Notice } from './notice.js';

/** Shapes a webhook takes. */
export const NOTIFY_TEMPLATES = ['json', 'slack', 'discord', 'telegram'] as const;
export type NotifyTemplate = (typeof NOTIFY_TEMPLATES)[number];

/** Discord refuses longer ones; nothing here comes near. */
const MAX_TEXT = 1_900;

/**
 * The body of a webhook call.
 *
 * @param from which miner it is: network and address, for people who have several
 * @param url Telegram's chat is in its query (`…/sendMessage?chat_id=…`) and belongs into the body
 */
export function messageOf(
  template: NotifyTemplate,
  notice: Notice,
  from: Readonly<Record<string, string>>,
  at: Date,
  url: URL,
): unknown {
  const text = `${notice.text} (${Object.values(from).join(', ')})`.slice(0, MAX_TEXT);
  switch (template) {
    case 'slack':
      return { text };
    case 'discord':
      // A name that stands in an error pages no one.
      return { content: text, allowed_mentions: { parse: [] } };
    case 'telegram':
      return { chat_id: url.searchParams.get('chat_id'), text };
    default:
      return { event: notice.kind, text: notice.text, at: at.toISOString(), ...from, details: notice.details ?? {} };
  }
}
