import { loadConfig } from '../config.ts';
import { logs } from '../events/subjects.ts';
import { connectNats } from '../runtime/nats-link.ts';
import {
  applyStream,
  type Drift,
  type StreamConfig,
  streamConfig,
  verifyStream,
} from '../runtime/streams.ts';
import { type Command, type Io, JSON_OPTION, usage } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { NATS_SETTINGS, natsAddress } from './nats-address.ts';

const details =
  "Without a name it does so for the validator's log. The logs are validator, ledger and owner; their configurations are streams/*.json.";

export const streamsApplyCommand: Command = {
  name: 'streams apply',
  summary: "Create a log's stream as streams/*.json says; a stream that differs is never changed.",
  arguments: ['[log]'],
  options: { json: JSON_OPTION },
  details,
  settings: NATS_SETTINGS,
  run: async (input, io) => {
    const config = configNamed(streamsApplyCommand, input.arguments[0]);
    await using connection = await connect(io);
    const result = await applyStream(connection.nc, config);
    io.out(
      input.flag('json')
        ? `${JSON.stringify({ stream: config.name, result })}\n`
        : `stream ${config.name}: ${result}\n`,
    );
    return EXIT.ok;
  },
};

export const streamsVerifyCommand: Command = {
  name: 'streams verify',
  summary: "Compare a log's live stream with streams/*.json; every difference is listed.",
  arguments: ['[log]'],
  options: { json: JSON_OPTION },
  details,
  settings: NATS_SETTINGS,
  run: async (input, io) => {
    const config = configNamed(streamsVerifyCommand, input.arguments[0]);
    await using connection = await connect(io);
    const drift = await verifyStream(connection.nc, config);
    io.out(
      input.flag('json')
        ? `${JSON.stringify({ stream: config.name, drift: drift.map(spellOut) })}\n`
        : describe(config, drift),
    );
    return drift.length === 0 ? EXIT.ok : EXIT.mismatch;
  },
};

function configNamed(command: Command, name = 'validator'): StreamConfig {
  const log = logs.find((known) => known === name);
  if (log === undefined)
    throw usage(command, { field: 'log', value: name, expected: `one of ${logs.join(', ')}` });
  return streamConfig(log);
}

async function connect(io: Io) {
  const nc = await connectNats(await natsAddress(loadConfig(io.env), 'eirel streams'));
  return { nc, [Symbol.asyncDispose]: () => nc.close() };
}

/** JSON has no undefined: what is absent is null, not left out. */
function spellOut({ field, expected = null, found = null }: Drift) {
  return { field, expected, found };
}

function describe({ name }: StreamConfig, drift: readonly Drift[]): string {
  if (drift.length === 0) return `stream ${name}: as configured\n`;
  const lines = drift.map((each) => `  ${describeDrift(each)}\n`);
  return `stream ${name} differs from its configuration:\n${lines.join('')}`;
}

/** One difference for people. */
export function describeDrift({ field, expected, found }: Drift): string {
  return `${field}: expected ${JSON.stringify(expected) ?? 'nothing'}, found ${JSON.stringify(found) ?? 'nothing'}`;
}
