import { createHmac, timingSafeEqual } from 'node:crypto';
import { isJsonObject, type JsonObject } from './json.js';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const mac = (text: string, secret: string): Buffer => createHmac('sha256', secret).update(text).digest();

/** Creates an HS256 token. */
export function signJwt(claims: JsonObject, secret: string): string {
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${mac(text, secret).toString('base64url')}`;
}

/** Returns the claims of a valid token; undefined if it is forged or expired. */
export function readJwt(token: string, secret: string, nowMs: number): JsonObject | undefined {
  const [head = '', body = '', signature = ''] = token.split('.');
  const expected = mac(`${head}.${body}`, secret);
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  const claims: unknown = JSON.parse(Buffer.from(body, 'base64url').toString());
  return isJsonObject(claims) && Number(claims['exp']) * 1000 > nowMs ? claims : undefined;
}
