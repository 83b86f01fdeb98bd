import { type ChildProcess, fork } from 'node:child_process';
import { QuarryError } from '../../../errors/index.js';
import type { ModelConfig } from '../../../weights/model-config.js';
import { processEntry } from '../entry-point.js';
import type { AuditEngine, ScoreReply, ScoreRequest } from './audit-process.js';

/** An audit's score of a sample. */
export interface AuditScore {
  readonly loss: number;
  readonly embedding: Float32Array;
}

/** Cached scores; one sample may be submitted to several targets. */
const SCORES_KEPT = 10_000;

/** Scores samples in a separate process, so that calls are answered meanwhile. */
export class AuditScorer {
  readonly #config: ModelConfig;
  readonly #engine: AuditEngine;
  readonly #sent = new Set<string>();
  readonly #scores = new Map<string, Promise<AuditScore>>();
  readonly #waiting = new Map<number, { resolve(score: AuditScore): void; reject(error: Error): void }>();
  #process: ChildProcess | undefined;
  #nextId = 0;

  constructor(config: ModelConfig, engine: AuditEngine) {
    this.#config = config;
    this.#engine = engine;
  }

  /**
   * Scores one sample under one model; repeated requests are answered from a cache.
   *
   * @param sampleKey identity of the sample
   * @param modelKey identity of the weights
   * @param weights decrypted safetensors
   * @throws QuarryError `ENGINE_FAILED` when the weights do not fit or the process ended
   */
  score(sampleKey: string, sample: Uint8Array, modelKey: string, weights: Uint8Array): Promise<AuditScore> {
    const key = `${sampleKey}/${modelKey}`;
    const known = this.#scores.get(key);
    if (known !== undefined) return known;
    const asked = this.#ask(sample, modelKey, weights);
    this.#scores.set(key, asked);
    asked.catch(() => this.#scores.delete(key));
    const oldest = this.#scores.size > SCORES_KEPT ? this.#scores.keys().next().value : undefined;
    if (oldest !== undefined) this.#scores.delete(oldest);
    return asked;
  }

  #ask(sample: Uint8Array, modelKey: string, weights: Uint8Array): Promise<AuditScore> {
    const child = this.#start();
    const id = this.#nextId++;
    const request: ScoreRequest = {
      id,
      modelKey,
      weights: this.#sent.has(modelKey) ? undefined : weights,
      config: this.#config,
      sample,
    };
    this.#sent.add(modelKey);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      child.send(request);
    });
  }

  #start(): ChildProcess {
    if (this.#process !== undefined) return this.#process;
    const { path, execArgv } = processEntry(new URL('./audit-process.js', import.meta.url));
    const child = fork(path, [this.#engine], {
      execArgv: [...execArgv],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('message', (message) => {
      const reply = message as ScoreReply;
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if ('error' in reply)
        waiting?.reject(new QuarryError('ENGINE_FAILED', `the audit could not score: ${reply.error}`));
      else waiting?.resolve({ loss: reply.loss, embedding: reply.embedding });
    });
    const ended = (cause: unknown) => {
      this.#process = undefined;
      this.#sent.clear();
      for (const { reject } of this.#waiting.values()) {
        reject(new QuarryError('ENGINE_FAILED', 'the audit process ended', { cause }));
      }
      this.#waiting.clear();
    };
    child.on('error', ended);
    child.on('exit', ended);
    this.#process = child;
    return child;
  }

  /** Ends the process; pending requests fail. */
  async close(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
  }
}
