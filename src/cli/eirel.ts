#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import packageFile from '../../package.json' with { type: 'json' };
import { AppError } from '../errors.ts';
import { helpOf, type Io, readInput } from './command.ts';
import { commandNames, loadCommand } from './commands.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { explain } from './explain.ts';

/** Runs `eirel <argv>`; gives the exit code. Every error ends here, in one line that says what to do next. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  try {
    // The longest name that fits: `ledger` is a command, and so is `ledger show`.
    const name = [3, 2, 1]
      .map((words) => argv.slice(0, words).join(' '))
      .find((words) => commandNames.includes(words));
    if (name === undefined) return await withoutCommand(argv, io);
    const command = await loadCommand(name);
    const rest = argv.slice(name.split(' ').length);
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

async function withoutCommand(argv: readonly string[], io: Io): Promise<number> {
  const [first = '--help', second = ''] = argv;
  if (HELP.includes(first)) {
    io.out(
      `eirel <command>\n\nThe validator of a Bittensor subnet, on an event log that anybody can check.\n\n${await listOf(commandNames)}\n\neirel <command> --help says more. Settings are environment variables: docs/operating.md.\n`,
    );
    return EXIT.ok;
  }
  if (first === '--version') {
    io.out(`${packageFile.version}\n`);
    return EXIT.ok;
  }
  const group = commandNames.filter((name) => name.startsWith(`${first} `));
  if (group.length > 0 && (argv.length === 1 || HELP.includes(second))) {
    const asked = argv.length > 1;
    (asked ? io.out : io.note)(`eirel ${first} <command>\n\n${await listOf(group)}\n`);
    return asked ? EXIT.ok : EXIT.usage;
  }
  const possible = group.length > 0 ? group : commandNames;
  throw new AppError('usage.invalid', {
    field: 'command',
    value: argv.join(' '),
    expected: `one of ${possible.join(', ')}`,
    next: 'eirel --help',
  });
}

const HELP: readonly string[] = ['--help', '-h', 'help'];

async function listOf(names: readonly string[]): Promise<string> {
  const width = Math.max(...names.map((name) => name.length));
  const commands = await Promise.all(names.map(loadCommand));
  return commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n');
}

/** What Node made of a command's hundreds of files is kept there: to make it anew takes half as long again to start. */
const COMPILE_CACHE = fileURLToPath(new URL('../../.cache/node-compile', import.meta.url));

if (import.meta.main) {
  // Where nothing can be written, nothing is kept.
  enableCompileCache(COMPILE_CACHE);
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
  // A server that takes a connection and never answers would keep its socket, and so this process, for ever.
  process.stdout.write('', () => process.exit());
}
