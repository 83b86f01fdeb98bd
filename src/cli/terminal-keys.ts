import { readFileSync } from 'node:fs';

const CTRL_C = '\u0003';
const CTRL_Z = '\u001a';
const CTRL_BACKSLASH = '\u001c';

/** Calls back for every key pressed. The returned function stops listening and restores the terminal. */
export type KeyListening = (listener: (key: string) => void) => () => void;

/**
 * Keys pressed on the terminal, one at a time. `undefined` if stdin or stderr is not a terminal, or the process is in
 * the background, where reading the terminal would stop it.
 *
 * Ctrl-C, Ctrl-\ and Ctrl-Z keep their usual effect; in raw mode they arrive as bytes and are raised as signals here.
 */
export function terminalKeys(process: NodeJS.Process): KeyListening | undefined {
  const { stdin } = process;
  if (!stdin.isTTY || !process.stderr.isTTY || process.env['TERM'] === 'dumb') return undefined;
  return (listener) => {
    if (!isInForeground()) return () => {};
    const onData = (bytes: Buffer): void => {
      for (const key of bytes.toString('utf8')) {
        if (key === CTRL_C) raise(process, 'SIGINT');
        else if (key === CTRL_BACKSLASH) raise(process, 'SIGQUIT');
        else if (key === CTRL_Z && process.platform !== 'win32') suspend();
        else listener(key);
      }
    };
    const onContinue = (): void => {
      if (isInForeground()) stdin.setRawMode(true);
    };
    const suspend = (): void => {
      stdin.setRawMode(false);
      process.kill(process.pid, 'SIGTSTP');
    };
    const restore = (): void => void stdin.setRawMode(false);
    stdin.setRawMode(true);
    stdin.on('data', onData).resume();
    process.on('SIGCONT', onContinue);
    process.on('exit', restore);
    return () => {
      stdin.off('data', onData).pause();
      process.off('SIGCONT', onContinue);
      process.off('exit', restore);
      restore();
    };
  };
}

/** On Windows, sending a signal to a process ends it at once, even with listeners. */
function raise(process: NodeJS.Process, signal: NodeJS.Signals): void {
  if (process.platform === 'win32') process.emit(signal, signal);
  else process.kill(process.pid, signal);
}

/** Whether this process is in the terminal's foreground; assumed if the system does not tell. */
function isInForeground(): boolean {
  try {
    // After the name in parentheses: state, parent, process group, session, terminal, the terminal's foreground group.
    const [, , group, , , foreground] = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)!.split(' ');
    return group === foreground;
  } catch {
    return true;
  }
}
