import { DEMO_TASKS, type DemoTask } from './demo-tasks.js';
import type { JsonObject } from './json.js';

/** A fresh copy of {@link DEMO_TASKS} on every call. */
export function demoTasks(): DemoTask[] {
  return structuredClone(DEMO_TASKS) as DemoTask[];
}

/** A task in the format of `tasks/list`. */
export function listItem(task: DemoTask): JsonObject {
  return {
    title: task.title,
    description: task.description,
    task_type: task.task_type,
    data: {
      ...(task.recommended_vram !== undefined && { recommended_vram: task.recommended_vram }),
      dataset_s3_key: task.dataset_s3_key,
      max_params: task.max_params,
      context_length: task.context_length,
      training_set_key: `${task.id}/training_set.jsonl`,
      validation_set_key: `${task.id}/validation_set.jsonl`,
      final_validation_set_key: `${task.id}/final_validation_set.jsonl`,
    },
    duration_in_seconds: task.duration_in_seconds,
    id: task.id,
    status: task.status,
    initialized_at: task.initialized_at,
    submission_phase_ends_at: task.submission_phase_ends_at,
    final_validation_ends_at: task.final_validation_ends_at,
  };
}

/** A task in the format of `tasks/get`. */
export function detail(task: DemoTask, trainingSetUrl: string): JsonObject {
  return {
    title: task.title,
    description: task.description,
    task_type: task.task_type,
    data: { training_set_url: trainingSetUrl, max_params: task.max_params, context_length: task.context_length },
    duration_in_seconds: task.duration_in_seconds,
    id: task.id,
    status: task.status,
    initialized_at: task.initialized_at,
    submission_phase_ends_at: task.submission_phase_ends_at,
    final_validation_ends_at: task.final_validation_ends_at,
    final_link: task.final_link,
  };
}

/** Published counts of the last three days; earlier days are generated. */
const PUBLISHED_TAIL: Readonly<Record<'submission' | 'validation', readonly number[]>> = {
  submission: [28, 39, 35],
  validation: [1874, 2521, 2306],
};

/** One row per day from 2024-12-29 to 2025-04-10: 103 rows, the last three as published. */
export function demoDaily(kind: 'submission' | 'validation'): { time: string; count: number }[] {
  const first = Date.UTC(2024, 11, 29);
  const tail = PUBLISHED_TAIL[kind];
  return Array.from({ length: 103 }, (_unused, index) => ({
    time: new Date(first + index * 86_400_000).toISOString().slice(0, 10),
    count:
      index >= 100 ? (tail[index - 100] ?? 0) : kind === 'submission' ? 20 + (index % 17) : 1500 + 37 * (index % 29),
  }));
}

/** A small training set in the published format. */
export function demoTrainingSet(lines: number): string {
  let text = '';
  for (let i = 0; i < lines; i++) {
    text += `${JSON.stringify({
      system: 'You audit smart contracts.',
      conversations: [
        { role: 'user', content: `Is function number ${i} safe against re-entrancy?` },
        { role: 'assistant', content: `Function ${i} updates its state before the call, so it is.` },
      ],
    })}\n`;
  }
  return text;
}
