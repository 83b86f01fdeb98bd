import { convert, type HtmlToTextOptions } from 'html-to-text';
import { plainLines, plainText } from '../text/index.js';

/** A description that begins with one of these tags is HTML; anything else that begins with `<` is plain text. */
const KNOWN_TAGS =
  'p|div|span|br|hr|h[1-6]|ul|ol|li|a|b|i|u|em|strong|code|pre|blockquote|table|section|article|img|figure|style|script';
const LOOKS_LIKE_HTML = new RegExp(`^\\s*<(?:!--|!doctype|(?:${KNOWN_TAGS})(?:\\s|/?>))`, 'i');

/** Maximum characters of a description that are read; real ones are kilobytes. */
const MOST_HTML = 1_000_000;

/** Maximum characters read of a page returned instead of an API response. */
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

/** Remote text on one line, for table cells. */
export function oneLine(text: string): string {
  return plainText(text).replace(/\s+/g, ' ').trim();
}

/** The text of a page on one line, whether HTML or not. */
export function textOfPage(body: string): string {
  return oneLine(/<\/?[a-z!]/i.test(body) ? convert(body.slice(0, MOST_PAGE), AS_TEXT) : body.slice(0, MOST_PAGE));
}

/**
 * A task description as plain text. HTML (recognised by a known tag at the start) is converted: block elements become
 * line breaks, list items `- `, links `text (address)`. Plain text that merely contains `<` is unchanged.
 */
export function descriptionText(description: string): string {
  return plainLines(LOOKS_LIKE_HTML.test(description) ? convert(description, AS_TEXT) : description)
    .replace(/(?<![ \t])[ \t]+\n/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
