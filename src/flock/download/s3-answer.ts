/** An S3 error: `<Error><Code>…</Code><Message>…</Message></Error>`. */
export interface S3Refusal {
  readonly code: string | undefined;
  readonly message: string | undefined;
  /** Whether the link has expired. */
  readonly expired: boolean;
}

/** Parses S3's error document; fields are undefined if it is something else. */
export function parseS3Refusal(body: string): S3Refusal {
  const code = element(body, 'Code');
  const message = element(body, 'Message');
  const expired = code === 'ExpiredToken' || (message !== undefined && /^request has expired/i.test(message));
  return { code, message, expired };
}

function element(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]{0,500})</${name}>`).exec(xml)?.[1]?.trim();
}
