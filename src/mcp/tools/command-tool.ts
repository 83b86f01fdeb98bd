import type { z } from 'zod';
import { defineTool, type ToolRegistration, type ToolSpec } from '../tool.js';

/** A tool backed by one command: maps its input to arguments, and the command's records to a result. */
interface CommandToolSpec<I extends z.ZodObject, O extends z.ZodObject> extends Omit<ToolSpec<I, O>, 'call'> {
  args(input: z.output<I>): readonly (string | false)[];
  // biome-ignore lint/suspicious/noExplicitAny: records of commands, which the output schema checks
  result(records: readonly any[], input: z.output<I>): Readonly<Record<string, unknown>>;
}

/** Defines a tool from a command. Its human-readable output becomes progress messages. */
export function commandTool<I extends z.ZodObject, O extends z.ZodObject>({
  args,
  result,
  ...spec
}: CommandToolSpec<I, O>): ToolRegistration {
  return defineTool({
    ...spec,
    async call(input, { host, signal, progress }) {
      const words = args(input).filter((word) => word !== false);
      return result(await host.run(words, { signal, onTalk: progress }), input);
    },
  });
}
