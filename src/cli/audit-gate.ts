import { readFile } from 'node:fs/promises';
import { auditLog } from '../audit/audit-log.ts';
import { checkGate } from '../audit/check-gate.ts';
import { countGate, recordsOf, windowOf } from '../audit/gate.ts';
import { nameOfLog } from '../audit/log-name.ts';
import { blake2b256 } from '../chain/blake2b.ts';
import { cryptoReady, verifySr25519 } from '../chain/hotkey.ts';
import { loadConfig } from '../config.ts';
import { GATE_WINDOW_RUNS } from '../consensus/gate-figures.ts';
import { formatRho } from '../consensus/rank-agreement.ts';
import { AppError } from '../errors.ts';
import type { GateFigures } from '../events/mode.ts';
import { LOG_HELP, openLogSource } from './audit/open-log-source.ts';
import { EXPECTED_OPTIONS, readExpected } from './audit/options.ts';
import { table, tellFaults } from './audit/tell.ts';
import { type Command, JSON_OPTION, wholeNumber } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { NATS_SETTINGS } from './nats-address.ts';
import { progressBar } from './progress.ts';

export const auditGateCommand: Command = {
  name: 'audit gate',
  summary:
    'Count again, from a log, how far the consensus agreed with the owner: what decentralized rests on.',
  arguments: ['log'],
  options: {
    ...EXPECTED_OPTIONS,
    family: { type: 'string', placeholder: 'name', help: 'the family ($EIREL_FAMILY)' },
    window: {
      type: 'string',
      placeholder: 'runs',
      help: `closed runs that are looked back on (${GATE_WINDOW_RUNS})`,
    },
    expect: {
      type: 'string',
      placeholder: 'url or file',
      help: 'the summary that the validator signed, at its URL or in a file, to compare with',
    },
    json: JSON_OPTION,
  },
  details: `${LOG_HELP}\n\nA closed run without a comparison counts as missing. The figures that a change of mode quotes are counted again as well. Exit code 4 at any fault or difference.`,
  settings: [...NATS_SETTINGS, 'EIREL_FAMILY'],
  run: async (input, io) => {
    const window = wholeNumber(auditGateCommand, 'window', input.value('window'), GATE_WINDOW_RUNS);
    const family = input.value('family') ?? loadConfig(io.env).EIREL_FAMILY;
    const expected = readExpected(auditGateCommand, input);
    await cryptoReady();
    await using log = await openLogSource(input.arguments[0] ?? '', io);
    const named = await nameOfLog(log.source);
    using bar = progressBar(io, 'auditing', log.size);
    const verdict = await auditLog(
      log.source,
      { ...expected, claims: [], ownerHotkey: null },
      { verify: verifySr25519, blake2b256 },
      (done) => {
        io.signal.throwIfAborted();
        bar.show(done);
      },
    );
    const closed = verdict.gate.get(family) ?? [];
    const figures = countGate(closed, window);
    const records = recordsOf(windowOf(closed, window));
    const served = input.value('expect');
    const question = { family, hotkey: expected.hotkey ?? named?.hotkey ?? '', window };
    const differences =
      served === undefined
        ? []
        : checkGate(await readSummary(served, question), closed, question, {
            verify: verifySr25519,
          });
    const faults = [...verdict.faults, ...differences];
    const compared = served === undefined ? 'not compared: no --expect' : `compared with ${served}`;
    io.out(
      input.flag('json')
        ? `${JSON.stringify({ origin: verdict.origin, family, figures, records, compared, faults })}\n`
        : `${tellGate(figures, compared)}\n${tellFaults(faults)}`,
    );
    return faults.length === 0 ? EXIT.ok : EXIT.mismatch;
  },
};

const TIMEOUT_MS = 10_000;

/** The signed summary in a file, or as a validator serves it. */
async function readSummary(
  where: string,
  { family, window }: Readonly<{ family: string; window: number }>,
): Promise<Uint8Array> {
  if (!/^https?:\/\//.test(where)) {
    return readFile(where).catch((cause: unknown) => {
      throw new AppError('file.unreadable', { file: where, expected: 'a summary' }, { cause });
    });
  }
  const url = `${where.replace(/\/+$/, '')}/v1/consensus/divergence?family=${family}&window=${window}`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    if (bytes.length > MAX_SUMMARY_BYTES) throw new Error(`more than ${MAX_SUMMARY_BYTES} bytes`);
    return bytes;
  } catch (cause) {
    throw new AppError('log.unavailable', { url, expected: 'a signed summary' }, { cause });
  }
}

/** Of a window of a thousand runs, escaped twice. */
const MAX_SUMMARY_BYTES = 2_097_152;

function tellGate(figures: GateFigures, compared: string): string {
  const { window, runs, recorded, missing, repeated, agreement, overlap } = figures;
  return table([
    [
      'window',
      `${runs} of ${window.size} closed runs, ${window.firstRun ?? 'none'} to ${window.lastRun ?? 'none'}`,
    ],
    ['records', `${recorded}, ${missing} missing, ${repeated} repeated and not counted`],
    ['winner', `the same in ${agreement.agreed} of ${agreement.compared}`],
    [
      'rank',
      `mean rho ${formatRho(figures.meanRhoMillionths)}, undefined in ${figures.undefinedRank}`,
    ],
    ['best', `${overlap.common} of ${overlap.of} places in common`],
    ['summary', compared],
  ]);
}
