#!/usr/bin/env node
import { once } from 'node:events';
import { AppError } from '../errors.ts';
import { type Command, helpOf, type Io, readInput } from './command.ts';
import { exitCodeOf } from './exit-codes.ts';
import { exportCommand } from './export.ts';
import { importCommand } from './import.ts';
import { rebuildCommand } from './rebuild.ts';
import { replayCommand } from './replay.ts';
import { runsCloseCommand, runsCompareCommand, runsOpenCommand } from './runs.ts';
import { scoresImportCommand } from './scores-import.ts';
import { streamsApplyCommand, streamsVerifyCommand } from './streams.ts';
import { subnetCommand } from './subnet.ts';
import { tailCommand } from './tail.ts';
import { validatorCommand } from './validator.ts';

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  subnetCommand,
  validatorCommand,
  streamsApplyCommand,
  streamsVerifyCommand,
  runsOpenCommand,
  runsCloseCommand,
  runsCompareCommand,
  scoresImportCommand,
  tailCommand,
  replayCommand,
  rebuildCommand,
  exportCommand,
  importCommand,
];

/** Runs `eirel <argv>`; gives the exit code. Every error ends here, in one line that says what to do next. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  try {
    const words = argv.filter((word) => !word.startsWith('-'));
    const command = commands.find(({ name }) =>
      name.split(' ').every((word, index) => words[index] === word && argv[index] === word),
    );
    if (command === undefined) return overview(argv, io);
    const rest = argv.slice(command.name.split(' ').length);
    if (rest.includes('--help') || rest.includes('-h')) {
      io.out(helpOf(command));
      return 0;
    }
    return await command.run(readInput(command, rest), io);
  } catch (error) {
    io.note(`eirel: ${explain(error)}\n`);
    if (isOurFault(error) && !io.signal.aborted) io.note(`${error.stack ?? ''}\n`);
    return exitCodeOf(error);
  }
}

/** Anything but a refusal and what the system says of a file or a socket: for those the message is enough. */
function isOurFault(error: unknown): error is Error {
  return error instanceof Error && !(error instanceof AppError) && !('syscall' in error);
}

/** The message of an error, with those of its causes that say more. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const message = error.message.trim();
  if (error.cause === undefined) return message;
  const cause = explain(error.cause);
  return message.includes(cause) ? message : `${message} (${cause})`;
}

function overview(argv: readonly string[], io: Io): number {
  const asked = argv.length === 0 || argv[0] === '--help' || argv[0] === '-h' || argv[0] === 'help';
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  const text = `eirel <command>\n\nThe validator of a Bittensor subnet, on an event log that anybody can check.\n\n${lines.join('\n')}\n\neirel <command> --help says more. Settings are environment variables: docs/operating.md.\n`;
  if (asked) {
    io.out(text);
    return 0;
  }
  throw new AppError('usage.invalid', {
    field: 'command',
    value: argv.join(' '),
    expected: `one of ${commands.map(({ name }) => name).join(', ')}`,
    next: 'eirel --help',
  });
}

if (import.meta.main) {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => stop.abort(new Error(`stopped by ${name}`)));
  // Whoever reads our output may stop at any time, as `head` does: that is an end, not a fault.
  let heard = true;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    heard = false;
    stop.abort(new Error('nobody reads the output any more'));
  });
  process.exitCode = await main(process.argv.slice(2), {
    env: process.env,
    out: (text) => process.stdout.write(text),
    note: (text) => heard && process.stderr.write(text),
    interactive: process.stderr.isTTY,
    signal: stop.signal,
  });
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
}
