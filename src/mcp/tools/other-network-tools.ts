import { z } from 'zod';
import { name, record } from '../schemas.js';
import { commandTool } from './command-tool.js';

/** Tools that read FLock and AITBC. */
export const OTHER_NETWORK_TOOLS = [
  commandTool({
    name: 'flock_tasks',
    title: 'List FLock tasks',
    description: "Tasks of FLock's AI Arena: open ones by deadline, others newest first.",
    input: z.object({ status: z.enum(['open', 'closing', 'finalized', 'all']).default('open') }),
    output: z.looseObject({ tasks: z.array(record) }),
    args: ({ status }) => ['flock', 'tasks', `--status=${status}`],
    result: ([page]) => page,
  }),
  commandTool({
    name: 'flock_task',
    title: 'Explain a FLock task',
    description:
      'Every field of one task: description, deadlines, limits. The signature of its download link is removed.',
    input: z.object({ taskId: z.int().min(0) }),
    output: record,
    args: ({ taskId }) => ['flock', 'task', String(taskId)],
    result: ([task]) => task,
  }),
  commandTool({
    name: 'aitbc_jobs',
    title: 'List AITBC jobs',
    description: "The user's compute jobs at the AITBC coordinator.",
    input: z.object({
      status: z.enum(['submitted', 'running', 'completed', 'failed', 'cancelled']).optional(),
      limit: z.int().min(1).max(200).default(50),
    }),
    output: z.looseObject({ jobs: z.array(record) }),
    args: ({ status, limit }) => [
      'aitbc',
      'jobs',
      'list',
      `--limit=${limit}`,
      status !== undefined && `--status=${status}`,
    ],
    result: ([page]) => page,
  }),
  commandTool({
    name: 'aitbc_job',
    title: 'Explain an AITBC job',
    description: 'The state of one compute job.',
    input: z.object({ jobId: name }),
    output: record,
    args: ({ jobId }) => ['aitbc', 'jobs', 'get', jobId],
    result: ([job]) => job,
  }),
] as const;
