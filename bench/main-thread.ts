import { readFileSync } from 'node:fs';

/**
 * Milliseconds of processor time that this process's main thread has used, other threads not counted. Where the system
 * does not report it, that of the whole process, which is more.
 */
export function mainThreadMs(): number {
  try {
    // Nanoseconds on the processor; the main thread has the number of its process.
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }
}
