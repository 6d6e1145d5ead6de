import { requestCommand } from '../runtime/commands.ts';
import { type Command, JSON_OPTION, wholeNumber } from './command.ts';
import { connectOperator } from './connect-operator.ts';
import { EXIT } from './exit-codes.ts';
import { NATS_SETTINGS } from './nats-address.ts';
import { membersLine } from './owner/ask-owner.ts';

/** As many as a subnet's miners submit in four generations. */
const DEFAULT_LIMIT = 1_000;

export const ownerSubmissionsListCommand: Command = {
  name: 'owner submissions list',
  summary: 'List what miners submitted, the newest first.',
  arguments: [],
  options: {
    limit: {
      type: 'string',
      placeholder: 'n',
      help: `at most so many, ${DEFAULT_LIMIT} by default`,
    },
    json: { ...JSON_OPTION, help: 'print one JSON document a line' },
  },
  settings: NATS_SETTINGS,
  run: async (input, io) => {
    const { value } = input;
    const limit = wholeNumber(ownerSubmissionsListCommand, 'limit', value('limit'), DEFAULT_LIMIT);
    await using operator = await connectOperator(io);
    const payload = JSON.stringify({ limit });
    const found = await requestCommand(operator.nc, 'submissions.list', payload, 'owner');
    for (const submission of Array.isArray(found) ? found : [])
      io.out(`${input.flag('json') ? JSON.stringify(submission) : membersLine(submission)}\n`);
    return EXIT.ok;
  },
};
