import type { Notice } from './notice.js';

/** Supported webhook formats. */
export const NOTIFY_TEMPLATES = ['json', 'slack', 'discord', 'telegram'] as const;
export type NotifyTemplate = (typeof NOTIFY_TEMPLATES)[number];

/** Below Discord's limit of 2,000 characters. */
const MAX_TEXT = 1_900;

/**
 * Builds the body of a webhook call.
 *
 * @param from identifies the miner: network and address
 * @param url source of Telegram's chat id (`…/sendMessage?chat_id=…`), which goes into the body
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
      // Text from errors must not trigger mentions.
      return { content: text, allowed_mentions: { parse: [] } };
    case 'telegram':
      return { chat_id: url.searchParams.get('chat_id'), text };
    default:
      return { event: notice.kind, text: notice.text, at: at.toISOString(), ...from, details: notice.details ?? {} };
  }
}
