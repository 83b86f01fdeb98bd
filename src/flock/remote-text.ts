/** Tags that, at the very start, make a description HTML; anything else starting with `<` is plain text. */
const KNOWN_TAGS =
  'p|div|span|br|hr|h[1-6]|ul|ol|li|a|b|i|u|em|strong|code|pre|blockquote|table|section|article|img|figure|style|script';
const LOOKS_LIKE_HTML = new RegExp(`^\\s*<(?:!--|!doctype|(?:${KNOWN_TAGS})(?:\\s|/?>))`, 'i');
const BLOCK_TAG = /^(?:p|div|br|hr|h[1-6]|ul|ol|li|blockquote|pre|table|tr|section|article|figure)$/i;

const NAMED_ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  hellip: '…',
  mdash: '—',
  ndash: '–',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  bull: '•',
  copy: '©',
  reg: '®',
  trade: '™',
};

/** Terminal escape sequences: CSI, OSC (to BEL or ST) and two-character escapes, in 7-bit and 8-bit form. */
const ESCAPES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences consist of control characters.
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[P^_X][^\u001b]*(?:\u001b\\)?|\u001b./g;
/** Control characters other than line feed and tab, and the bidirectional overrides that reorder shown text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Remote text made safe to print: no escape sequences, no control characters, line ends as line feeds. */
export function cleanText(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(ESCAPES, '').replace(CONTROLS, '');
}

/** Remote text on one line, for a table cell. */
export function oneLine(text: string): string {
  return cleanText(text).replace(/\s+/g, ' ').trim();
}

/** Whether a description is HTML: only when it starts with a known tag. */
function isHtml(description: string): boolean {
  return LOOKS_LIKE_HTML.test(description);
}

/**
 * A task description as plain text. HTML becomes text with block elements as line breaks, list items as `- `, links as
 * `text (address)`, scripts and styles dropped and entities decoded once; plain text that merely contains `<` stays.
 */
export function descriptionText(description: string): string {
  return cleanText(isHtml(description) ? htmlToText(description) : description)
    .replace(/[ \t]+\n/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

function htmlToText(html: string): string {
  const source = html.replace(/<!--[\s\S]*?(?:-->|$)/g, '').replace(/<(script|style)\b[\s\S]*?(?:<\/\1\s*>|$)/gi, '');
  let out = '';
  let link: { href: string; start: number } | undefined;
  const tags = /<(\/?)([a-zA-Z][a-zA-Z0-9]*)((?:"[^"]*"|'[^']*'|[^'">])*)>/g;
  let last = 0;
  for (let match = tags.exec(source); match !== null; match = tags.exec(source)) {
    out += decodeEntities(source.slice(last, match.index).replace(/\s+/g, ' '));
    last = tags.lastIndex;
    const closing = match[1] === '/';
    const name = (match[2] ?? '').toLowerCase();
    if (name === 'a') {
      if (!closing) {
        const href = /\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i.exec(match[3] ?? '');
        const address = decodeEntities(href?.[1] ?? href?.[2] ?? href?.[3] ?? '').trim();
        link = address === '' ? undefined : { href: address, start: out.length };
      } else if (link !== undefined) {
        const text = out.slice(link.start).trim();
        if (text !== link.href) out += text === '' ? link.href : ` (${link.href})`;
        link = undefined;
      }
    } else if (name === 'li' && !closing) out = `${out.trimEnd()}\n- `;
    else if (name === 'br') out = `${out.trimEnd()}\n`;
    else if (name === 'p' || /^h[1-6]$/.test(name)) out = `${out.trimEnd()}\n\n`;
    else if (BLOCK_TAG.test(name)) out = `${out.trimEnd()}\n`;
  }
  out += decodeEntities(source.slice(last).replace(/\s+/g, ' '));
  return out.replace(/\n /g, '\n');
}

/** Decodes entities in one pass, so that `&amp;lt;` becomes `&lt;` and not `<`. A bare `&` stays. */
function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z]{2,8}));/g, (whole, dec, hex, name) => {
    if (name !== undefined) return NAMED_ENTITIES[String(name).toLowerCase()] ?? whole;
    const point = dec !== undefined ? Number.parseInt(dec, 10) : Number.parseInt(hex, 16);
    return point > 0 && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff)
      ? String.fromCodePoint(point)
      : whole;
  });
}
