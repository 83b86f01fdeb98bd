import { Command } from 'commander';
import type { OfferInput } from '../../../aitbc/index.js';
import { toJsonLine } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { positiveInteger } from '../../parse-argument.js';
import { addTableFlags, printTable, type TableFlags } from '../../table.js';
import { amountArgument } from './arguments.js';
import { type ConnectionFlags, readObject, withClient, withConnection } from './connection.js';
import { example } from './jobs.js';
import { printRecord, say } from './print.js';

/** `quarry aitbc offers`. */
export function offersCommand(context: CliContext): Command {
  const offers = new Command('offers').description('the marketplace').helpCommand(false);

  withConnection(offers.command('create').description('offer capacity from a JSON file'))
    .requiredOption('--file <file>', 'the offer in the documented form; - for standard input')
    .addHelpText('after', example('offers create --file offer.json'))
    .action(async (flags: ConnectionFlags & { file: string }) => {
      const input = (await readObject(flags.file, context)) as unknown as OfferInput;
      await withClient(context, flags, async (client) => {
        printRecord(context, await client.marketplace.createOffer(input, { signal: context.signal }), flags);
      });
    });

  addTableFlags(withConnection(offers.command('list').description('active offers')))
    .option('--job-type <type>', 'only offers for this job type')
    .option('--max-price <amount>', 'only offers up to this price', amountArgument)
    .option('--limit <n>', 'maximum number of offers', positiveInteger, 50)
    .addHelpText('after', example('offers list --max-price 0.01'))
    .action(
      async (
        flags: ConnectionFlags &
          TableFlags & { jobType?: string | undefined; maxPrice?: string | undefined; limit: number },
      ) => {
        const query = {
          limit: flags.limit,
          jobType: flags.jobType,
          maxPrice: flags.maxPrice,
        };
        await withClient(context, flags, async (client) => {
          const options = { signal: context.signal };
          if (flags.json && !flags.camel) {
            return say(context, toJsonLine(await client.marketplace.listOffersPage(query, options)));
          }
          const list = await client.marketplace.listOffers(query, options);
          if (flags.json) return say(context, toJsonLine({ offers: list }));
          printTable(
            context,
            flags,
            list,
            [
              { header: 'offer', value: (offer) => offer.offerId, shrink: 1 },
              { header: 'miner', value: (offer) => offer.minerId, shrink: 2 },
              { header: 'job type', value: (offer) => offer.jobType, shrink: 3 },
              { header: 'price', value: (offer) => offer.price, align: 'right' },
              { header: 'reputation', value: (offer) => offer.reputation, align: 'right' },
            ],
            'no offers',
          );
        });
      },
    );

  withConnection(offers.command('accept <offer-id>').description('take an offer for a job'))
    .requiredOption('--job <job-id>', 'the job to run')
    .requiredOption('--bid <price>', 'the price you pay, as a decimal amount', amountArgument)
    .addHelpText('after', example('offers accept offer_1 --job job_1 --bid 0.001'))
    .action((offerId: string, flags: ConnectionFlags & { job: string; bid: string }) =>
      withClient(context, flags, async (client) => {
        const input = { offerId, jobId: flags.job, bidPrice: flags.bid };
        printRecord(context, await client.marketplace.acceptOffer(input, { signal: context.signal }), flags);
      }),
    );

  withConnection(offers.command('stats').description('totals of the marketplace'))
    .addHelpText('after', example('offers stats --json'))
    .action((flags: ConnectionFlags) =>
      withClient(context, flags, async (client) => {
        printRecord(context, await client.marketplace.getStats({ signal: context.signal }), flags);
      }),
    );
  return offers;
}
