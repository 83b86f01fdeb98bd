/** Formats shannons as exact decimal SOMA, with at most nine decimals and no trailing zeros. */
export function soma(shannons: string | bigint): string {
  const value = BigInt(shannons);
  const sign = value < 0n ? '-' : '';
  const digits = (value < 0n ? -value : value).toString().padStart(10, '0');
  const fraction = digits.slice(-9).replace(/(?<!0)0+$/, '');
  const whole = BigInt(digits.slice(0, -9)).toLocaleString('en-US');
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Formats SOMA for small spaces: four significant digits, or two for amounts far below one. */
export function shortSoma(shannons: string | bigint): string {
  const value = Number(shannons) / 1e9;
  return Math.abs(value) < 0.01 ? String(Number(value.toPrecision(2))) : compact(value);
}

/** SOMA as a number, for charts only. */
export function somaNumber(shannons: string | undefined): number | null {
  return shannons === undefined ? null : Number(shannons) / 1e9;
}

const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 4 });

/** Formats a number with about four digits and a suffix. */
export function compact(value: number): string {
  return COMPACT.format(value);
}

/** Formats a count in full. */
export function count(value: number): string {
  return value.toLocaleString('en');
}

/** `0x1234…cdef` */
export function shortId(id: string): string {
  return id.length <= 14 ? id : `${id.slice(0, 8)}…${id.slice(-4)}`;
}

/** Formats ISO 8601 text or milliseconds as local date and time. */
export function when(at: string | number): string {
  const options = { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;
  return new Date(at).toLocaleString('en', { ...options, hourCycle: 'h23' });
}

/** Formats a fraction between 0 and 1 as `12 %`. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

/** Blanks repeated axis labels: within a minute, several ticks have the same one. */
export function withoutRepeats(texts: readonly string[]): string[] {
  return texts.map((text, i) => (text === texts[i - 1] ? '' : text));
}
