import { fork } from 'node:child_process';
import { workerFile } from '../../threads/worker-file.js';
import { DRIVER_CURE, unansweredAfter, type WebGpuProbe } from './request-adapter.js';

/**
 * Requests the adapter in a separate process: Dawn waits for the graphics driver on the calling thread, where no timer can
 * interrupt a driver that hangs, and a driver that crashes takes its process down.
 *
 * @param timeoutMs from the start of the process to its answer, milliseconds
 */
export function askAdapterProcess(timeoutMs: number): Promise<WebGpuProbe> {
  return new Promise((resolve) => {
    // Without the flags of this process, and without its output: the Vulkan loader's warnings are not for users.
    const child = fork(workerFile('adapter'), [], { execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    const end = (probe: WebGpuProbe): void => {
      clearTimeout(timer);
      child.removeAllListeners('exit');
      child.kill('SIGKILL');
      // A process inside a call of the driver may survive SIGKILL for a while: do not wait for it.
      child.unref();
      if (child.connected) child.disconnect();
      resolve(probe);
    };
    const failed = (reason: string): void => end({ available: false, reason, cure: DRIVER_CURE });
    const timer = setTimeout(() => end(unansweredAfter(timeoutMs)), timeoutMs);
    child.on('message', (probe) => end(probe as WebGpuProbe));
    child.on('error', (error) => failed(`the process that requests a WebGPU adapter failed: ${error.message}`));
    child.on('exit', (code, signal) =>
      failed(`the graphics driver crashed on a request for a WebGPU adapter (${signal ?? `exit ${code}`})`),
    );
  });
}
