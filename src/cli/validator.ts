import { defaultOf, Environment, KEY_SETTINGS, loadConfig, validatorFaults } from '../config.ts';
import { AppError } from '../errors.ts';
import { startValidator } from '../main.ts';
import { createLogger } from '../runtime/logger.ts';
import type { Command } from './command.ts';
import { runUntilStopped, SERVING_OPTIONS } from './long-running.ts';

export const validatorCommand: Command = {
  name: 'validator',
  summary: 'Run the validator: score, report, exchange, decide, certify, set weights, serve.',
  arguments: [],
  options: SERVING_OPTIONS,
  details: `Settings (environment variables):\n${settings()}`,
  run: async (input, io) => {
    const config = loadConfig(io.env);
    const faults = validatorFaults(config);
    if (faults.length > 0) throw new AppError('config.invalid', { faults });
    const logger = createLogger(config.EIREL_LOG_LEVEL, 'validator');
    return runUntilStopped((signal) => startValidator(config, { logger, signal }), {
      input,
      io,
      tell: ({ url, hotkey, source }) => ({
        json: { url, hotkey, source },
        text: `validating as ${hotkey}, serving ${url}`,
      }),
    });
  },
};

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
