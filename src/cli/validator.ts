import { once } from 'node:events';
import { defaultOf, Environment, KEY_SETTINGS, loadConfig, validatorFaults } from '../config.ts';
import { AppError } from '../errors.ts';
import { startValidator } from '../main.ts';
import { createLogger } from '../runtime/logger.ts';
import type { Command } from './command.ts';
import { JSON_OPTION } from './command.ts';
import { EXIT } from './exit-codes.ts';

export const validatorCommand: Command = {
  name: 'validator',
  summary: 'Run the validator: score, report, exchange, decide, certify, set weights, serve.',
  arguments: [],
  options: {
    json: JSON_OPTION,
    'until-stdin-ends': {
      type: 'boolean',
      help: 'stop when standard input ends: for whoever starts it as a child',
    },
  },
  details: `Settings (environment variables):\n${settings()}`,
  run: async (input, io) => {
    const config = loadConfig(io.env);
    const faults = validatorFaults(config);
    if (faults.length > 0) throw new AppError('config.invalid', { faults });
    const logger = createLogger(config.EIREL_LOG_LEVEL, 'validator');
    using parent = input.flag('until-stdin-ends') ? stdinEnds() : null;
    const signal = parent === null ? io.signal : AbortSignal.any([io.signal, parent.signal]);
    const started = await unlessStopped(startValidator(config, { logger, signal }), signal);
    if (started === null) return EXIT.ok;
    await using validator = started;
    const { url, hotkey, source } = validator;
    io.out(
      input.flag('json')
        ? `${JSON.stringify({ url, hotkey, source })}\n`
        : `validating as ${hotkey}, serving ${url}\n`,
    );
    const aborted = signal.aborted
      ? Promise.resolve()
      : once(signal, 'abort').then(() => undefined);
    await Promise.race([validator.ended, aborted]);
    return EXIT.ok;
  },
};

/** What comes of the work; null where it ended because it was told to stop. */
async function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (signal.aborted && error === signal.reason) return null;
    throw error;
  }
}

/** Aborts when standard input ends, which the system sees to when the parent is gone, however it went. */
function stdinEnds(): { signal: AbortSignal } & Disposable {
  const gone = new AbortController();
  const stop = (): void => gone.abort(new Error('standard input ended'));
  process.stdin.once('end', stop).once('error', stop).resume();
  return { signal: gone.signal, [Symbol.dispose]: () => process.stdin.destroy() };
}

function settings(): string {
  const rows = Object.entries(Environment.shape).map(([name, schema]) => {
    const byDefault = defaultOf(name);
    const isKey = KEY_SETTINGS.some((other) => other === name);
    const note = isKey
      ? ' (one of these is required)'
      : byDefault === undefined
        ? ''
        : ` (default ${byDefault})`;
    return [name, `${schema.description ?? ''}${note}`] as const;
  });
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, description]) => `  ${name.padEnd(width)}  ${description}`).join('\n');
}
