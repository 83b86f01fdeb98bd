// biome-ignore-all lint/suspicious/noControlCharactersInRegex: these are what is removed

/** Escape sequences, introduced by ESC or a C1 control: CSI, and strings (DCS, SOS, OSC, PM, APC) up to their end. */
const SEQUENCES =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[PX\]^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u009c|\u001b\\)?/g;
/** Controls that reorder or hide text: bidi marks, embeddings, overrides and isolates. */
const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
/** The colours that `createStyle` writes. */
const COLOUR = /(\u001b\[(?:\d{1,2})m)/;

/**
 * `text` on one line, without control characters and escape sequences, so that untrusted text cannot control a
 * terminal.
 */
export function plainText(text: string): string {
  return text
    .replace(SEQUENCES, '')
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .replace(BIDI, '')
    .trim();
}

/**
 * Removes all controls but our own colours and line ends. A last guard, applied when text is printed; untrusted text
 * must already have gone through {@link plainText} when it is inserted into a line.
 */
export function terminalText(text: string): string {
  return text
    .split(COLOUR)
    .map((part, i) => (i % 2 === 1 ? part : withoutControls(part)))
    .join('');
}

/** Like {@link plainText} for untrusted text of several lines: keeps tabs and line ends, as line feeds. */
export function plainLines(text: string): string {
  return withoutControls(text.replace(/\r\n?/g, '\n'));
}

function withoutControls(text: string): string {
  return text
    .replace(SEQUENCES, '')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g, '')
    .replace(BIDI, '');
}
