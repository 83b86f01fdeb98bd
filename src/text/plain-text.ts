// biome-ignore-all lint/suspicious/noControlCharactersInRegex: these are what is removed

/** Escape sequences: CSI, then strings (DCS, SOS, OSC, PM, APC) to their end, each begun by ESC or by a C1 control. */
const SEQUENCES =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[PX\]^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u009c|\u001b\\)?/g;
/** Controls that reorder or hide text: bidi marks, embeddings, overrides and isolates. */
const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
/** The colours that `createStyle` writes. */
const COLOUR = /(\u001b\[(?:\d{1,2})m)/;

/** `text` on one line without control characters or escape sequences: text from the network must not drive a terminal. */
export function plainText(text: string): string {
  return text
    .replace(SEQUENCES, '')
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .replace(BIDI, '')
    .trim();
}

/**
 * What may be written to a terminal: our own colours and line ends stay, every other control goes. The last guard, where
 * text is printed; a stranger's text goes through {@link plainText} before it is put into a line.
 */
export function terminalText(text: string): string {
  return text
    .split(COLOUR)
    .map((part, i) => (i % 2 === 1 ? part : withoutControls(part)))
    .join('');
}

/** A stranger's text of several lines: as {@link plainText}, but line ends, as line feeds, and tabs stay. */
export function plainLines(text: string): string {
  return withoutControls(text.replace(/\r\n?/g, '\n'));
}

function withoutControls(text: string): string {
  return text
    .replace(SEQUENCES, '')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g, '')
    .replace(BIDI, '');
}
