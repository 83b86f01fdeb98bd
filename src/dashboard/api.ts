const TOKEN = 'quarry-token';

/** The token for commands, kept until the tab is closed. */
export function storedToken(): string | undefined {
  return sessionStorage.getItem(TOKEN) ?? undefined;
}

/** Stores the token, or forgets it if undefined. */
export function storeToken(token: string | undefined): void {
  if (token === undefined) sessionStorage.removeItem(TOKEN);
  else sessionStorage.setItem(TOKEN, token);
}

/** An error response of the API. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Requests a route of the page's own origin.
 *
 * @throws ApiError
 */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const token = storedToken();
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(path, { ...init, headers });
  if (response.ok) return response;
  throw new ApiError(response.status, response.status === 401 ? 'the token is wrong' : `HTTP ${response.status}`);
}

/**
 * Reads JSON.
 *
 * @throws ApiError
 */
export async function read<T>(path: string): Promise<T> {
  return (await (await ask(path)).json()) as T;
}

/** Maximum characters of an event. */
const MAX_EVENT = 1 << 22;

/**
 * Reads server-sent events until the stream ends. Uses `fetch`, because `EventSource` cannot send a token.
 *
 * @throws ApiError when the stream is refused
 */
export async function readEvents(
  path: string,
  onEvent: (name: string, data: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const response = await ask(path, { signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) return;
  for (let text = ''; ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    if (text.length > MAX_EVENT) return;
    for (const event of events) {
      const field = (name: string): string | undefined =>
        event
          .split('\n')
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2);
      const data = field('data');
      if (data !== undefined) onEvent(field('event') ?? 'message', JSON.parse(data));
    }
  }
}
