import { readFileSync } from 'node:fs';

const CTRL_C = '\u0003';
const CTRL_Z = '\u001a';
const CTRL_BACKSLASH = '\u001c';

/** Calls back for every key pressed until the function it returns is called, which gives the terminal back as it was. */
export type KeyListening = (listener: (key: string) => void) => () => void;

/**
 * Keys of the terminal that stdin is, one by one as they are pressed. `undefined` where stdin or stderr is none, or the
 * process runs in the background: taking the terminal's input would stop it.
 *
 * Ctrl-C, Ctrl-\ and Ctrl-Z do what they do anyway; they only arrive as bytes while keys are read one by one.
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

/** On Windows a signal sent to a process ends it at once, listeners or not. */
function raise(process: NodeJS.Process, signal: NodeJS.Signals): void {
  if (process.platform === 'win32') process.emit(signal, signal);
  else process.kill(process.pid, signal);
}

/** Whether the terminal's input is this process's; taken to be so where the system does not tell. */
function isInForeground(): boolean {
  try {
    // Behind the name in parentheses: state, parent, process group, session, terminal, the terminal's foreground group.
    const [, , group, , , foreground] = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)!.split(' ');
    return group === foreground;
  } catch {
    return true;
  }
}
