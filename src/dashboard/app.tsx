import { useState } from 'preact/hooks';
import { storedToken } from './api.js';
import { shortId } from './format.js';
import { type Connection, useLive, useRead } from './live.js';
import { Controls, TokenForm } from './panels/controls.js';
import { Earnings } from './panels/earnings.js';
import { Machine } from './panels/machine.js';
import { Now } from './panels/now.js';
import { Causes, Distances, Latency } from './panels/race.js';
import { Submissions } from './panels/submissions.js';
import { Tiles } from './panels/tiles.js';
import { useTheme } from './theme.js';
import type { History, HistoryBy, Status, Submission, Vitals } from './wire.js';

const PERIODS: Record<HistoryBy, number> = { hour: 48, day: 60, epoch: 60 };
const WORDS: Record<Connection, string> = {
  connecting: 'connecting',
  live: 'live',
  lost: 'no answer',
  locked: 'locked',
};

export function App() {
  const { isDark, toggle } = useTheme();
  const [attempt, setAttempt] = useState(0);
  const { status, connection, news } = useLive(attempt);
  const [by, setBy] = useState<HistoryBy>('hour');
  const isOpen = connection !== 'locked' && status !== undefined;
  const history = useRead<History>(`/1/history?by=${by}&limit=${PERIODS[by]}`, news, isOpen);
  const vitals = useRead<Vitals>('/1/vitals?hours=48', news, isOpen);
  const rows = useRead<readonly Submission[]>('/1/submissions?limit=100', news, isOpen);
  const again = (): void => setAttempt((n) => n + 1);
  return (
    <>
      <Header status={status} connection={connection} isDark={isDark} onTheme={toggle} onToken={again} />
      <main>
        {connection === 'locked' && (
          <section class="panel wide">
            <h2>This miner requires its token</h2>
            <TokenForm
              label="Token of the API"
              problem={storedToken() === undefined ? undefined : 'that token is wrong'}
              onToken={again}
            />
          </section>
        )}
        {connection === 'lost' && (
          <p class="warning wide" role="alert">
            The miner does not respond; the data shown is {status === undefined ? 'nothing' : 'old'}. Retrying.
          </p>
        )}
        {status !== undefined && connection !== 'locked' && (
          <>
            <Tiles status={status} vitals={vitals} />
            <Earnings by={by} onBy={setBy} history={history} vitals={vitals} isDark={isDark} />
            <div class="column">
              <Now status={status} />
              <Causes causes={history?.causes ?? []} />
            </div>
            <div class="column">
              <Latency accepted={history?.latency} wire={vitals?.wireLatency} isDark={isDark} />
              <Distances points={history?.distances ?? []} isDark={isDark} />
            </div>
            <Machine vitals={vitals} isDark={isDark} />
            <Submissions rows={rows} canAsk={status.live} />
          </>
        )}
      </main>
    </>
  );
}

interface HeaderProps {
  readonly status: Status | undefined;
  readonly connection: Connection;
  readonly isDark: boolean;
  readonly onTheme: () => void;
  readonly onToken: () => void;
}

function Header({ status, connection, isDark, onTheme, onToken }: HeaderProps) {
  const run = status?.run;
  const state = connection === 'live' && status?.live === false ? 'from files' : WORDS[connection];
  return (
    <header class="top">
      <h1>
        <img src="/icon.svg" alt="" width="22" height="22" /> Quarry
      </h1>
      <span class="muted identity">
        {[status?.network, status?.address === undefined ? undefined : shortId(status.address)]
          .filter(Boolean)
          .join(' · ')}
      </span>
      <span class={`pill ${connection}`} role="status">
        {run?.paused && connection === 'live' ? 'paused' : state}
      </span>
      {status?.controllable && connection === 'live' && run !== undefined && (
        <Controls paused={run.paused} onToken={onToken} />
      )}
      <button type="button" class="theme" onClick={onTheme} aria-label={isDark ? 'Light theme' : 'Dark theme'}>
        {isDark ? '☀' : '☾'}
      </button>
    </header>
  );
}
