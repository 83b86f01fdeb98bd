import { type DecodeOptions, decodeTaskDetail, decodeTaskList } from './decode.js';
import {
  type DownloadDeps,
  type DownloadOptions,
  type DownloadResult,
  downloadTrainingSet,
} from './download/download-training-set.js';
import { FlockError } from './errors.js';
import { parseTaskId } from './identifiers.js';
import type { CallOptions, FlockTransport } from './transport.js';
import type { TaskDetail, TaskListItem } from './types.js';
import { type TaskEvent, type WatchTasksOptions, watchTasks } from './watch/watch-tasks.js';

/** The tasks of the arena. */
export class Tasks {
  readonly #transport: FlockTransport;
  readonly #decode: DecodeOptions;

  constructor(transport: FlockTransport, decode: DecodeOptions) {
    this.#transport = transport;
    this.#decode = decode;
  }

  /**
   * One task with a freshly signed training link and its winner.
   *
   * @throws QuarryError `INVALID_ARGUMENT` when the id is not a whole number; nothing is sent then
   * @throws FlockError `FLOCK_NOT_FOUND` when the task does not exist
   */
  async get(id: number | string, options: CallOptions = {}): Promise<TaskDetail> {
    const taskId = parseTaskId(id);
    const { json, status } = await this.#transport.call({ path: 'tasks/get', query: { task_id: taskId }, ...options });
    if (json === null) {
      throw new FlockError('FLOCK_NOT_FOUND', `unknown task ${taskId}`, {
        status,
        hint: 'List the tasks with `quarry flock tasks --status all`.',
      });
    }
    return decodeTaskDetail(json, this.#decode);
  }

  /** All tasks, or those with a status, in the service's order (which is not by id). */
  async list(options: CallOptions & { readonly status?: string | undefined } = {}): Promise<TaskListItem[]> {
    const { status, ...call } = options;
    const { json } = await this.#transport.call({ path: 'tasks/list', query: { status }, ...call });
    return decodeTaskList(json, this.#decode);
  }

  /** Tasks that accept submissions. */
  async open(options: CallOptions = {}): Promise<TaskListItem[]> {
    return this.list({ ...options, status: 'submission_phase' });
  }

  /** Finished tasks. */
  async finalized(options: CallOptions = {}): Promise<TaskListItem[]> {
    return this.list({ ...options, status: 'finalized' });
  }

  /** Tasks that are listed but neither open nor finalized. The service does not publish its name for this state. */
  async closing(options: CallOptions = {}): Promise<TaskListItem[]> {
    const all = await this.list(options);
    return all.filter((task) => task.status !== 'submission_phase' && task.status !== 'finalized');
  }

  /** Downloads the training set of a task; see `downloadTrainingSet`. */
  async downloadTrainingSet(
    id: number | string,
    options: DownloadOptions = {},
    deps: DownloadDeps = {},
  ): Promise<DownloadResult> {
    const taskId = parseTaskId(id);
    return downloadTrainingSet(
      { taskId, readTask: (call) => this.get(taskId, call), clock: this.#transport.clock, ...options },
      {
        ...deps,
        now: deps.now ?? this.#transport.now,
        sleep: deps.sleep ?? this.#transport.sleep,
        random: deps.random ?? this.#transport.random,
      },
    );
  }

  /** Watches the list of tasks; see `watchTasks`. */
  watch(options: WatchTasksOptions = {}): AsyncGenerator<TaskEvent, void, undefined> {
    return watchTasks(options, {
      tasks: this,
      clock: this.#transport.clock,
      sleep: this.#transport.sleep,
      random: this.#transport.random,
    });
  }
}
