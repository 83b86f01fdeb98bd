import { useState } from 'preact/hooks';
import { ApiError, ask, storedToken, storeToken } from '../api.js';

interface ControlsProps {
  readonly paused: boolean;
  /** Called after the token changed. */
  readonly onToken: () => void;
}

/** Pause, resume and stop; need the token. */
export function Controls({ paused, onToken }: ControlsProps) {
  const [isUnlocked, setUnlocked] = useState(storedToken() !== undefined);
  const [isSure, setSure] = useState(false);
  const [problem, setProblem] = useState<string>();
  const order = async (verb: 'pause' | 'resume' | 'stop'): Promise<void> => {
    setSure(false);
    try {
      await ask(`/1/${verb}`, { method: 'POST' });
      setProblem(undefined);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) {
        storeToken(undefined);
        setUnlocked(false);
      }
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  if (!isUnlocked) {
    const use = (): void => {
      setUnlocked(true);
      setProblem(undefined);
      onToken();
    };
    return <TokenForm label="Token for pause, resume and stop" problem={problem} onToken={use} />;
  }
  return (
    <div class="controls">
      {problem !== undefined && <span role="alert">{problem}</span>}
      <button type="button" onClick={() => void order(paused ? 'resume' : 'pause')}>
        {paused ? 'Resume' : 'Pause'}
      </button>
      {isSure ? (
        <>
          <button type="button" class="danger" onClick={() => void order('stop')}>
            Stop the miner
          </button>
          <button type="button" onClick={() => setSure(false)}>
            Resume
          </button>
        </>
      ) : (
        <button type="button" onClick={() => setSure(true)}>
          Stop…
        </button>
      )}
    </div>
  );
}

interface TokenFormProps {
  readonly label: string;
  readonly problem: string | undefined;
  readonly onToken: () => void;
}

/** Form to enter the API token. */
export function TokenForm({ label, problem, onToken }: TokenFormProps) {
  const [text, setText] = useState('');
  const submit = (event: Event): void => {
    event.preventDefault();
    if (text === '') return;
    storeToken(text);
    onToken();
  };
  return (
    <form class="controls" onSubmit={submit}>
      {problem !== undefined && <span role="alert">{problem}</span>}
      <input
        type="password"
        autocomplete="off"
        placeholder="token"
        aria-label={label}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit">Unlock</button>
    </form>
  );
}
