#!/usr/bin/env node
import packageFile from '../../package.json' with { type: 'json' };
import { AppError } from '../errors.ts';
import { auditBundleCommand } from './audit-bundle.ts';
import { auditEvidenceCommand } from './audit-evidence.ts';
import { auditGateCommand } from './audit-gate.ts';
import { auditLogCommand } from './audit-log.ts';
import { auditRunCommand } from './audit-run.ts';
import { axonServeCommand } from './axon.ts';
import { type Command, helpOf, type Io, readInput } from './command.ts';
import { devchainCommand } from './devchain.ts';
import { doctorCommand } from './doctor.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { explain } from './explain.ts';
import { exportCommand } from './export.ts';
import { importCommand } from './import.ts';
import { keysNewCommand, keysShowCommand, keysSignCommand, keysVerifyCommand } from './keys.ts';
import { ledgerCommand, ledgerShowCommand } from './ledger.ts';
import { logInitCommand } from './log-init.ts';
import { logRepairCommand } from './log-repair.ts';
import { logRetireCommand } from './log-retire.ts';
import { logShowCommand } from './log-show.ts';
import { logStatusCommand } from './log-status.ts';
import { ownerCommand } from './owner.ts';
import { ownerRunsEndCommand, ownerRunsOpenCommand } from './owner-runs.ts';
import { ownerSubmissionsListCommand } from './owner-submissions.ts';
import { ownerTaskSetPublishCommand } from './owner-task-set.ts';
import { proxyCommand } from './proxy.ts';
import { rebuildCommand } from './rebuild.ts';
import { replayCommand } from './replay.ts';
import { runsCloseCommand, runsCompareCommand, runsOpenCommand } from './runs.ts';
import { scoresImportCommand } from './scores-import.ts';
import {
  signingHistoryExportCommand,
  signingHistoryImportCommand,
  signingHistoryShowCommand,
} from './signing-history.ts';
import { streamsApplyCommand, streamsVerifyCommand } from './streams.ts';
import { subnetCommand } from './subnet.ts';
import { tailCommand } from './tail.ts';
import { toolsSandboxCommand } from './tools.ts';
import { validatorCommand } from './validator.ts';

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  subnetCommand,
  validatorCommand,
  toolsSandboxCommand,
  ledgerShowCommand,
  ledgerCommand,
  proxyCommand,
  ownerTaskSetPublishCommand,
  ownerRunsOpenCommand,
  ownerRunsEndCommand,
  ownerSubmissionsListCommand,
  ownerCommand,
  doctorCommand,
  axonServeCommand,
  keysNewCommand,
  keysShowCommand,
  keysSignCommand,
  keysVerifyCommand,
  streamsApplyCommand,
  streamsVerifyCommand,
  runsOpenCommand,
  runsCloseCommand,
  runsCompareCommand,
  scoresImportCommand,
  tailCommand,
  replayCommand,
  auditLogCommand,
  auditRunCommand,
  auditBundleCommand,
  auditGateCommand,
  auditEvidenceCommand,
  logShowCommand,
  logStatusCommand,
  logInitCommand,
  logRepairCommand,
  logRetireCommand,
  rebuildCommand,
  exportCommand,
  importCommand,
  signingHistoryExportCommand,
  signingHistoryImportCommand,
  signingHistoryShowCommand,
  devchainCommand,
];

/** Runs `eirel <argv>`; gives the exit code. Every error ends here, in one line that says what to do next. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  try {
    const words = argv.filter((word) => !word.startsWith('-'));
    const command = commands.find(({ name }) =>
      name.split(' ').every((word, index) => words[index] === word && argv[index] === word),
    );
    if (command === undefined) return withoutCommand(argv, io);
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

function withoutCommand(argv: readonly string[], io: Io): number {
  const [first = '--help', second = ''] = argv;
  if (HELP.includes(first)) {
    io.out(
      `eirel <command>\n\nThe validator of a Bittensor subnet, on an event log that anybody can check.\n\n${listOf(commands)}\n\neirel <command> --help says more. Settings are environment variables: docs/operating.md.\n`,
    );
    return EXIT.ok;
  }
  if (first === '--version') {
    io.out(`${packageFile.version}\n`);
    return EXIT.ok;
  }
  const group = commands.filter(({ name }) => name.startsWith(`${first} `));
  if (group.length > 0 && (argv.length === 1 || HELP.includes(second))) {
    const asked = argv.length > 1;
    (asked ? io.out : io.note)(`eirel ${first} <command>\n\n${listOf(group)}\n`);
    return asked ? EXIT.ok : EXIT.usage;
  }
  const possible = group.length > 0 ? group : commands;
  throw new AppError('usage.invalid', {
    field: 'command',
    value: argv.join(' '),
    expected: `one of ${possible.map(({ name }) => name).join(', ')}`,
    next: 'eirel --help',
  });
}

const HELP: readonly string[] = ['--help', '-h', 'help'];

function listOf(listed: readonly Command[]): string {
  const width = Math.max(...listed.map(({ name }) => name.length));
  return listed.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n');
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
  // A server that takes a connection and never answers would keep its socket, and so this process, for ever.
  process.stdout.write('', () => process.exit());
}
