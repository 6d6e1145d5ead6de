import { loadConfig } from '../config.ts';
import { formatNano } from '../consensus/nano.ts';
import { AppError } from '../errors.ts';
import type { JobCost } from '../evaluation/job-cost.ts';
import type { JobLedger } from '../handlers/ledger/ledger-port.ts';
import { ledgerClient } from '../runtime/ledger-client.ts';
import { createLogger } from '../runtime/logger.ts';
import { type Command, JSON_OPTION } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { startLedger } from './ledger/start-ledger.ts';
import { runUntilStopped, SERVING_OPTIONS } from './long-running.ts';
import { NATS_SETTINGS } from './nats-address.ts';
import { printable } from './printable.ts';
import { readSecretFile } from './secret-file.ts';

export const ledgerCommand: Command = {
  name: 'ledger',
  summary: 'Run the ledger: which tools were called for which job, and what it cost.',
  arguments: [],
  options: SERVING_OPTIONS,
  details:
    'The one writer of the log `ledger`, in an account of its own. Tools and the provider proxy attest to it before they\n' +
    'release an answer; the validator opens and closes jobs, and reads. Everybody shows the token.',
  settings: [
    ...NATS_SETTINGS,
    'EIREL_LEDGER_HOTKEY',
    'EIREL_SERVICE_TOKEN_FILE',
    'EIREL_CHAIN_GENESIS',
    'EIREL_NETUID',
    'EIREL_DATA_DIR',
    'EIREL_HTTP_HOST',
    'EIREL_HTTP_PORT',
    'EIREL_LOG_LEVEL',
  ],
  run: async (input, io) => {
    const config = loadConfig(io.env);
    const logger = createLogger(config.EIREL_LOG_LEVEL, 'ledger');
    return runUntilStopped((signal) => startLedger(config, { logger, signal }), {
      input,
      io,
      tell: ({ url, source }) => ({
        json: { url, source },
        text: `recording ${source}, serving ${url}`,
      }),
    });
  },
};

export const ledgerShowCommand: Command = {
  name: 'ledger show',
  summary:
    'Show what the running ledger has of a job: its calls of tools and models, and their cost.',
  arguments: ['job'],
  options: { json: JSON_OPTION },
  settings: ['EIREL_LEDGER_URL', 'EIREL_SERVICE_TOKEN_FILE'],
  run: async (input, io) => {
    const config = loadConfig(io.env);
    const token = await readSecretFile(config, 'EIREL_SERVICE_TOKEN_FILE');
    const { readLedger } = ledgerClient({ url: config.EIREL_LEDGER_URL, token, signal: io.signal });
    const answer = await readLedger(input.arguments[0] ?? '');
    if (answer.kind === 'unavailable')
      throw new AppError('log.unavailable', {
        found: answer.detail,
        next: 'start it with `eirel ledger`, or set EIREL_LEDGER_URL',
      });
    if (answer.kind === 'refused')
      throw new AppError('request.invalid', { status: answer.status, found: answer.detail });
    io.out(input.flag('json') ? `${JSON.stringify(answer.ledger)}\n` : describe(answer.ledger));
    return EXIT.ok;
  },
};

/** A job for people: a line for each call, in the order of the log, then those under way; what tools said keeps to its line. */
function describe(found: JobLedger): string {
  const { job, opened, closed, toolCalls, modelCalls, pending, cost, ledger } = found;
  const state = opened ? (closed ? 'closed' : 'open') : 'opened by nobody';
  const calls = [
    ...toolCalls.map((call) => ({ ...call, what: call.tool })),
    ...modelCalls.map((call) => ({ ...call, what: `${call.provider} ${call.model}` })),
  ].toSorted((one, other) => (one.time < other.time ? -1 : 1));
  const lines = calls.map(({ time, what, status, latencyMs, cost, error }) => {
    const failed = error === null ? '' : `: ${error}`;
    return `  ${time}  ${what}  ${status}, ${latencyMs} ms, ${usd(cost)}${failed}`;
  });
  const waiting = pending.map(({ time, provider, model, most }) => {
    const limit = most === null ? 'cost unknown' : `at most ${usd(most)}`;
    return `  ${time}  ${provider} ${model}  not metered yet, ${limit}`;
  });
  const head = `${job}: ${state}, ${describeCost(cost)}, at ${ledger.size} events of the log`;
  return [head, ...lines, ...waiting].map((line) => `${printable(line)}\n`).join('');
}

function describeCost(cost: JobCost): string {
  return cost.state === 'known' ? usd(cost.nanoUsd) : `cost unknown (${cost.reason})`;
}

function usd(nano: number | null): string {
  return nano === null ? 'cost unknown' : `$${formatNano(nano)}`;
}
