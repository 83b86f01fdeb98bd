import { runStateTask, type StateTask } from '../src/miner/journal/state-task.js';

/** Reads a state directory, away from the thread that races for targets. */
export function read(task: StateTask): ReturnType<typeof runStateTask> {
  return runStateTask(task);
}
