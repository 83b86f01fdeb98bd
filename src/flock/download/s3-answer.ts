/** What S3 says when it refuses: `<Error><Code>…</Code><Message>…</Message></Error>`. */
export interface S3Refusal {
  readonly code: string | undefined;
  readonly message: string | undefined;
  /** The link's hour is over. */
  readonly expired: boolean;
}

/** Reads S3's error document; anything else gives undefined fields. */
export function parseS3Refusal(body: string): S3Refusal {
  const code = element(body, 'Code');
  const message = element(body, 'Message');
  const expired = code === 'ExpiredToken' || (message !== undefined && /^request has expired/i.test(message));
  return { code, message, expired };
}

function element(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]{0,500})</${name}>`).exec(xml)?.[1]?.trim();
}
