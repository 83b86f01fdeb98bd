import type { ServerResponse } from 'node:http';
import { type LoopbackRequest, sendJson } from '../loopback/server.js';
import type { DemoTask } from './demo-tasks.js';
import { FaultyServer } from './faulty-server.js';
import { demoDaily, demoTasks, detail, listItem } from './fixtures.js';
import { isJsonObject, type JsonObject } from './json.js';

/** A submission as stored by the demo service. */
export interface DemoSubmission {
  readonly id: number;
  readonly task_id: number;
  readonly data: JsonObject;
  readonly link: string;
  submission_phase_score: number | null;
  final_validation_score: number | null;
  readonly submitted_at: string;
}

/** An assignment as stored by the demo service. */
export interface DemoAssignment {
  readonly id: number;
  readonly submission: DemoSubmission;
  status: 'validating' | 'completed' | 'failed' | 'expired';
  metrics: JsonObject | null;
}

const LOOKUP_WINDOW_MS = 180_000;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

function answer(status: number, body: unknown): Answer {
  return { status, body };
}

/**
 * FLock's Fed Ledger on loopback: every endpoint used by the client, with the published tasks and injectable faults.
 */
export class LedgerServer extends FaultyServer {
  readonly apiKey: string;
  tasks: DemoTask[] = demoTasks();
  readonly submissions: DemoSubmission[] = [];
  readonly assignments: DemoAssignment[] = [];
  readonly wallets = new Map<string, JsonObject[]>();
  readonly leaderboard: JsonObject[] = [];
  readonly validators: JsonObject[] = [];
  /** Responses by path that replace the real ones, for malformed data that the client must handle. */
  readonly overrides = new Map<string, unknown>();
  /** Whether paged endpoints respect `page`. */
  honoursPage = true;
  /** Form of the page envelope. */
  envelope: 'full' | 'no-pages' | 'no-total' | 'items-only' | 'none' = 'full';
  /** Whether the `link` of a submission includes its revision. */
  linksWithRevision = false;
  /** Disables the rate limit on assignments. */
  unlimitedLookups = false;
  /** Signs a link to the stored file `key`. */
  signLink: (key: string) => string = (key) => `http://127.0.0.1:9/${key}`;
  #nextId = 1;
  #lastLookup = Number.NEGATIVE_INFINITY;

  constructor(options: { readonly apiKey?: string | undefined } = {}) {
    super();
    this.apiKey = options.apiKey ?? 'DEMOKEY0DEMOKEY0DEMOKEY0DEMOKEY0';
  }

  /** Value for `FLOCK_BASE_URL`. */
  get baseUrl(): string {
    return `${this.url}/api/v1/`;
  }

  /** Stores a submission as if a node had sent it. */
  addSubmission(taskId: number, data: JsonObject, more: Partial<DemoSubmission> = {}): DemoSubmission {
    const revision = typeof data['revision'] === 'string' ? data['revision'] : 'main';
    const row: DemoSubmission = {
      id: this.#nextId++,
      task_id: taskId,
      data,
      link: `https://huggingface.co/${String(data['hg_repo_id'])}${this.linksWithRevision ? `/commit/${revision}` : ''}`,
      submission_phase_score: null,
      final_validation_score: null,
      submitted_at: `${new Date(this.now()).toISOString().slice(0, -1)}000`,
      ...more,
    };
    this.submissions.unshift(row);
    return row;
  }

  protected handle(request: LoopbackRequest, response: ServerResponse): void {
    const { status, body } = this.#answer(request);
    sendJson(response, status, body);
  }

  #answer(request: LoopbackRequest): Answer {
    const path = request.path.replace(/^\/api\/v1\//, '');
    if (path === request.path) return answer(404, { detail: 'Not Found' });
    if (this.overrides.has(path)) return answer(200, this.overrides.get(path));
    const [first, second, third] = path.split('/');
    if (request.method === 'GET' && path === 'health') return answer(200, { status: 'ok' });
    if (request.method === 'GET' && path === 'tasks/get') return this.#getTask(request);
    if (request.method === 'GET' && path === 'tasks/list') return this.#listTasks(request);
    if (request.method === 'GET' && path === 'tasks/wallet-submissions') return this.#mine(request);
    if (request.method === 'POST' && path === 'tasks/submit-result') return this.#submit(request);
    if (request.method === 'GET' && path === 'stats/emissions') return this.#emissions(request);
    if (request.method === 'GET' && path === 'stats/models') return this.#page(request, this.leaderboard);
    if (request.method === 'GET' && path === 'stats/validators') return this.#page(request, this.validators);
    if (first === 'stats' && third !== undefined && /^0x[0-9a-fA-F]{40}$/.test(third)) {
      if (second === 'submissions') return this.#page(request, this.wallets.get(third) ?? []);
      if (second === 'enrolled-tasks') return answer(200, [listItem(this.#task(7))]);
      if (second === 'achievements') return this.#achievements(request);
    }
    if (first === 'tasks' && request.method === 'POST' && third !== undefined) {
      if (second === 'request-validation-assignment') return this.#assign(request, Number(third));
      if (second === 'update-validation-assignment') return this.#update(request, Number(third));
    }
    return answer(404, { detail: 'Not Found' });
  }

  #task(id: number): DemoTask {
    const task = this.tasks.find((entry) => entry.id === id);
    if (task === undefined) throw new Error(`no demonstration task ${id}`);
    return task;
  }

  #taskId(request: LoopbackRequest): number | Answer {
    const text = request.query.get('task_id') ?? '';
    if (/^\d+$/.test(text)) return Number(text);
    return answer(422, {
      detail: [
        {
          type: 'int_parsing',
          loc: ['query', 'task_id'],
          msg: 'Input should be a valid integer, unable to parse string as an integer',
          input: text,
        },
      ],
    });
  }

  #getTask(request: LoopbackRequest): Answer {
    const id = this.#taskId(request);
    if (typeof id !== 'number') return id;
    const task = this.tasks.find((entry) => entry.id === id);
    if (task === undefined) return answer(404, { detail: 'Task not found' });
    return answer(200, detail(task, this.signLink(`${id}/training_set.jsonl`)));
  }

  #listTasks(request: LoopbackRequest): Answer {
    const status = request.query.get('status');
    const listed = this.tasks.filter((task) => status === null || task.status === status);
    return answer(200, listed.map(listItem));
  }

  #authorised(request: LoopbackRequest): boolean {
    return request.headers['flock-api-key'] === this.apiKey;
  }

  #mine(request: LoopbackRequest): Answer {
    if (!this.#authorised(request)) return answer(403, { detail: 'Not authenticated' });
    const id = this.#taskId(request);
    if (typeof id !== 'number') return id;
    const rows = this.submissions.filter((row) => row.task_id === id);
    return this.#page(request, rows, ({ link, submission_phase_score, final_validation_score, submitted_at }) => ({
      link,
      submission_phase_score,
      final_validation_score,
      submitted_at,
    }));
  }

  #page<T extends object>(
    request: LoopbackRequest,
    rows: readonly T[],
    show: (row: T) => object = (row) => row,
  ): Answer {
    const number = (name: string, otherwise: number): number => Number(request.query.get(name) ?? otherwise);
    const size = number('size', 50);
    const asked = number('page', 1);
    if (!(size >= 1 && size <= 100 && asked >= 1)) {
      return answer(422, { detail: [{ type: 'range', loc: ['query', 'size'], msg: 'out of range' }] });
    }
    const page = this.honoursPage ? asked : 1;
    const items = rows.slice((page - 1) * size, page * size).map(show);
    const total = rows.length;
    const pages = Math.ceil(total / size);
    const envelopes = {
      full: { items, total, page, size, pages },
      'no-pages': { items, total, page, size },
      'no-total': { items, total: null, page, size, pages },
      'items-only': { items },
      none: { items, total: null, page, size },
    };
    return answer(200, envelopes[this.envelope]);
  }

  #submit(request: LoopbackRequest): Answer {
    if (!this.#authorised(request)) return answer(403, { detail: 'Not authenticated' });
    const body = JSON.parse(request.body.toString('utf8')) as JsonObject;
    const data = body['data'];
    const task = this.tasks.find((entry) => entry.id === body['task_id']);
    if (task === undefined || !isJsonObject(data)) return answer(404, { detail: 'Task not found' });
    const over = Date.parse(`${task.submission_phase_ends_at.replace(/Z$/, '')}Z`) <= this.now();
    if (task.status !== 'submission_phase' || over) {
      return answer(400, { detail: 'Task is not in the submission phase' });
    }
    const row = this.addSubmission(task.id, data);
    return answer(200, { task_id: row.task_id, data: row.data, id: row.id });
  }

  #emissions(request: LoopbackRequest): Answer {
    const type = request.query.get('type');
    if (type !== 'submission' && type !== 'validation') {
      return answer(422, { detail: [{ loc: ['query', 'type'], msg: 'unknown', type: 'enum' }] });
    }
    return answer(200, { data: demoDaily(type) });
  }

  #achievements(request: LoopbackRequest): Answer {
    const role = request.query.get('role');
    if (role !== 'validator' && role !== 'node') {
      return answer(422, { detail: [{ loc: ['query', 'role'], msg: 'unknown', type: 'enum' }] });
    }
    return answer(200, { gold_medals: 0, silver_medals: 0, bronze_medals: 0, total_participations: 0, tasks: [] });
  }

  #assign(request: LoopbackRequest, taskId: number): Answer {
    if (!this.#authorised(request)) return answer(403, { detail: 'Not authenticated' });
    if (!this.unlimitedLookups && this.now() - this.#lastLookup < LOOKUP_WINDOW_MS) {
      return answer(400, {
        detail: 'Rate limit reached for validation assignment lookup: 1 per 3 minutes',
      });
    }
    const submission = this.submissions.find(
      (row) =>
        row.task_id === taskId &&
        !this.assignments.some((entry) => entry.submission === row && entry.status !== 'expired'),
    );
    if (submission === undefined) {
      return answer(400, { detail: 'No task submissions available to validate' });
    }
    this.#lastLookup = this.now();
    const task = this.#task(taskId);
    const assignment: DemoAssignment = { id: this.#nextId++, submission, status: 'validating', metrics: null };
    this.assignments.push(assignment);
    return answer(200, {
      id: assignment.id,
      task_submission: { task_id: taskId, data: submission.data, id: submission.id },
      assigned_at: `${new Date(this.now()).toISOString().slice(0, -1)}000`,
      status: 'validating',
      data: {
        context_length: task.context_length,
        max_params: task.max_params,
        validation_set_url: this.signLink(`${taskId}/validation_set.jsonl`),
      },
    });
  }

  #update(request: LoopbackRequest, id: number): Answer {
    if (!this.#authorised(request)) return answer(403, { detail: 'Not authenticated' });
    const assignment = this.assignments.find((entry) => entry.id === id);
    if (assignment === undefined) return answer(404, { detail: 'Assignment not found' });
    if (assignment.status !== 'validating') {
      return answer(400, { detail: 'Validation assignment is not in validating status' });
    }
    const body = JSON.parse(request.body.toString('utf8')) as JsonObject;
    assignment.status = body['status'] === 'completed' ? 'completed' : 'failed';
    assignment.metrics = isJsonObject(body['data']) ? body['data'] : null;
    const score = assignment.metrics?.['loss'] ?? assignment.metrics?.['score'];
    if (typeof score === 'number') assignment.submission.submission_phase_score = score;
    return answer(200, { id, status: assignment.status });
  }
}
