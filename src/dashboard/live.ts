import { useEffect, useState } from 'preact/hooks';
import { ApiError, read, readEvents } from './api.js';
import type { Status } from './wire.js';

/** State of the event stream. */
export type Connection = 'connecting' | 'live' | 'lost' | 'locked';

/** Latest data of the event stream. */
export interface Live {
  readonly status: Status | undefined;
  readonly connection: Connection;
  /**
   * Increases with every answered submission and every half a minute, when data from the journal has to be read again.
   */
  readonly news: number;
}

const RETRY_MS = 2_000;
/** Minimum interval between reads of the journal. */
const NEWS_EVERY_MS = 2_000;
const NEWS_AT_LEAST_EVERY_MS = 30_000;

/** Follows the miner's events; a new `attempt` reconnects, with another token. */
export function useLive(attempt: number): Live {
  const [status, setStatus] = useState<Status>();
  const [connection, setConnection] = useState<Connection>('connecting');
  const [news, setNews] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    let settled = '';
    let isDue = false;
    const tell = (): void => {
      if (isDue) return;
      isDue = true;
      setTimeout(() => {
        isDue = false;
        if (!stop.signal.aborted) setNews((n) => n + 1);
      }, NEWS_EVERY_MS);
    };
    const onEvent = (name: string, data: unknown): void => {
      if (name === 'outcome') tell();
      if (name !== 'status') return;
      const next = data as Status;
      // Without a miner in the process, changed totals indicate news.
      const totals = JSON.stringify(next.totals);
      if (totals !== settled) tell();
      settled = totals;
      setStatus(next);
      setConnection('live');
    };
    const follow = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        try {
          await readEvents('/1/events', onEvent, stop.signal);
        } catch (error) {
          if (error instanceof ApiError && error.status === 401) {
            setConnection('locked');
            return;
          }
        }
        if (stop.signal.aborted) return;
        setConnection('lost');
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    };
    void follow();
    const timer = setInterval(tell, NEWS_AT_LEAST_EVERY_MS);
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [attempt]);
  return { status, connection, news };
}

/** Reads a route initially and whenever there is news, keeping the last result meanwhile. */
export function useRead<T>(path: string, news: number, isOpen: boolean): T | undefined {
  const [answer, setAnswer] = useState<{ readonly path: string; readonly value: T }>();
  useEffect(() => {
    if (!isOpen) return undefined;
    let isCurrent = true;
    read<T>(path).then(
      (value) => {
        if (isCurrent) setAnswer({ path, value });
      },
      // The event stream reports that the miner is gone; keep the last result.
      () => undefined,
    );
    return () => {
      isCurrent = false;
    };
  }, [path, news, isOpen]);
  return answer?.path === path ? answer.value : undefined;
}
