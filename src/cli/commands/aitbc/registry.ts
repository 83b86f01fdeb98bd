import { Command, Option } from 'commander';
import { QuarryError } from '../../../errors/index.js';
import { renderFields, toJsonLine, toJsonPretty } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { addTableFlags, printTable, type TableFlags } from '../../table.js';
import { type ConnectionFlags, readObject, withClient, withConnection } from './connection.js';
import { example } from './jobs.js';
import { jsonOf, printRecord, say } from './print.js';

const SERVICES = {
  whisper: 'whisper/transcribe',
  'stable-diffusion': 'stable-diffusion/generate',
  llm: 'llm/inference',
  ffmpeg: 'ffmpeg/transcode',
  blender: 'blender/render',
} as const;

/** `quarry aitbc services`. */
export function servicesCommand(context: CliContext): Command {
  return withConnection(
    new Command('services')
      .description('submit a request to one of the five services')
      .argument('<name>', Object.keys(SERVICES).join(', ')),
  )
    .requiredOption('--file <file>', 'the request in the documented form; - for standard input')
    .addHelpText('after', example('services llm --file prompt.json'))
    .action(async (name: string, flags: ConnectionFlags & { file: string }) => {
      const service = SERVICES[name as keyof typeof SERVICES];
      if (service === undefined) {
        throw new QuarryError('USAGE', `unknown service ${name}`, {
          hint: `one of ${Object.keys(SERVICES).join(', ')}`,
        });
      }
      const request = await readObject(flags.file, context);
      await withClient(context, flags, async (client) => {
        printRecord(context, await client.services.submit(service, request, { signal: context.signal }), flags);
      });
    });
}

/** `quarry aitbc registry`. */
export function registryCommand(context: CliContext): Command {
  const registry = new Command('registry').description('the service registry').helpCommand(false);
  const print = (value: object, flags: ConnectionFlags): void =>
    say(context, flags.json ? toJsonLine(value) : toJsonPretty(value));

  addTableFlags(withConnection(registry.command('list').description('services')))
    .addOption(new Option('--category <name>', 'only this category'))
    .option('--search <text>', 'part of a name, description or tag')
    .addHelpText('after', example('registry list --category ai_ml'))
    .action(
      async (flags: ConnectionFlags & TableFlags & { category?: string | undefined; search?: string | undefined }) => {
        const query = {
          category: flags.category,
          search: flags.search,
        };
        await withClient(context, flags, async (client) => {
          const services = await client.registry.list(query, { signal: context.signal });
          if (flags.json) return say(context, toJsonLine(services));
          printTable(
            context,
            flags,
            services,
            [
              { header: 'service', value: (service) => String(service['id']) },
              { header: 'category', value: (service) => String(service['category']) },
              { header: 'description', value: (service) => String(service['description']), shrink: 1 },
            ],
            'no services',
          );
        });
      },
    );

  withConnection(registry.command('get <service-id>').description('the definition of a service'))
    .addHelpText('after', example('registry get llm_inference'))
    .action((id: string, flags: ConnectionFlags) =>
      withClient(context, flags, async (client) => {
        print(await client.registry.get(id, { signal: context.signal }), flags);
      }),
    );

  withConnection(registry.command('schema <service-id>').description('JSON Schema of its inputs'))
    .addHelpText('after', example('registry schema llm_inference'))
    .action((id: string, flags: ConnectionFlags) =>
      withClient(context, flags, async (client) => {
        print(await client.registry.schema(id, { signal: context.signal }), flags);
      }),
    );

  withConnection(registry.command('requirements <service-id>').description('the hardware it needs'))
    .addHelpText('after', example('registry requirements llm_inference'))
    .action((id: string, flags: ConnectionFlags) =>
      withClient(context, flags, async (client) => {
        print(await client.registry.requirements(id, { signal: context.signal }), flags);
      }),
    );

  withConnection(registry.command('validate <service-id>').description('check a request against the schema'))
    .requiredOption('--file <file>', 'the request data as JSON; - for standard input')
    .addHelpText('after', example('registry validate llm_inference --file prompt.json'))
    .action(async (id: string, flags: ConnectionFlags & { file: string }) => {
      const data = await readObject(flags.file, context);
      await withClient(context, flags, async (client) => {
        const result = await client.registry.validate(id, data, { signal: context.signal });
        if (flags.json) say(context, jsonOf(result, flags));
        else {
          say(
            context,
            renderFields([
              ['valid', result.valid ? 'yes' : 'NO'],
              ...result.errors.map((text): [string, unknown] => ['error', text]),
              ...result.warnings.map((text): [string, unknown] => ['warning', text]),
            ]),
          );
        }
        if (!result.valid) throw new QuarryError('DATA_INVALID', `the request is not valid for ${id}`);
      });
    });
  return registry;
}
