import { convert, type HtmlToTextOptions } from 'html-to-text';
import { plainLines, plainText } from '../text/index.js';

/** Tags that, at the very start, make a description HTML; anything else starting with `<` is plain text. */
const KNOWN_TAGS =
  'p|div|span|br|hr|h[1-6]|ul|ol|li|a|b|i|u|em|strong|code|pre|blockquote|table|section|article|img|figure|style|script';
const LOOKS_LIKE_HTML = new RegExp(`^\\s*<(?:!--|!doctype|(?:${KNOWN_TAGS})(?:\\s|/?>))`, 'i');

/** Descriptions are of kilobytes; more than this many characters is not looked at. */
const MOST_HTML = 1_000_000;

/** Of a page that answers instead of the service the beginning is shown. */
const MOST_PAGE = 100_000;

const BLOCK = { leadingLineBreaks: 1, trailingLineBreaks: 1 };
const AS_TEXT: HtmlToTextOptions = {
  wordwrap: false,
  limits: { maxInputLength: MOST_HTML, maxDepth: 100 },
  selectors: [
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true, linkBrackets: ['(', ')'] } },
    { selector: 'ul', options: { itemPrefix: '- ', ...BLOCK } },
    { selector: 'ol', format: 'unorderedList', options: { itemPrefix: '- ', ...BLOCK } },
    { selector: 'img', format: 'skip' },
    { selector: 'script', format: 'skip' },
    { selector: 'style', format: 'skip' },
    ...[1, 2, 3, 4, 5, 6].map((level) => ({ selector: `h${level}`, options: { uppercase: false } })),
  ],
};

/** Remote text on one line, for a table cell. */
export function oneLine(text: string): string {
  return plainText(text).replace(/\s+/g, ' ').trim();
}

/** The text of a page on one line, whatever it is made of. */
export function textOfPage(body: string): string {
  return oneLine(/<\/?[a-z!]/i.test(body) ? convert(body.slice(0, MOST_PAGE), AS_TEXT) : body.slice(0, MOST_PAGE));
}

/**
 * A task description as plain text. HTML, which begins with a known tag, becomes text with block elements as line breaks,
 * list items as `- ` and links as `text (address)`; plain text that merely contains `<` stays.
 */
export function descriptionText(description: string): string {
  return plainLines(LOOKS_LIKE_HTML.test(description) ? convert(description, AS_TEXT) : description)
    .replace(/(?<![ \t])[ \t]+\n/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
