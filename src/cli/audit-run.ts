import { auditLog } from '../audit/audit-log.ts';
import { type ChainRun, compareRun } from '../audit/compare-run.ts';
import { nameOfLog } from '../audit/log-name.ts';
import type { RunReport } from '../audit/run-report.ts';
import { blake2b256 } from '../chain/blake2b.ts';
import { cryptoReady, verifySr25519 } from '../chain/hotkey.ts';
import { AppError } from '../errors.ts';
import { RunId } from '../events/scalars.ts';
import { LOG_HELP, openLogSource } from './audit/open-log-source.ts';
import { type Node, openNode } from './audit/open-node.ts';
import { EXPECTED_OPTIONS, RPC_OPTION, readExpected, readNetwork } from './audit/options.ts';
import { table, tellFaults } from './audit/tell.ts';
import { tellChain } from './audit/tell-chain.ts';
import { tellRun } from './audit/tell-run.ts';
import { type Command, JSON_OPTION, usage } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { NATS_SETTINGS } from './nats-address.ts';
import { progressBar } from './progress.ts';

export const auditRunCommand: Command = {
  name: 'audit run',
  summary:
    "Compute a run's medians, winner and weights again from a log, and compare them with the chain.",
  arguments: ['run', 'log'],
  options: { ...EXPECTED_OPTIONS, rpc: RPC_OPTION, json: JSON_OPTION },
  details: `${LOG_HELP}\n\nThe whole log is verified, because what a run came to rests on what precedes it. Exit code 4 at any fault in it, and where the chain differs.`,
  settings: [...NATS_SETTINGS, 'EIREL_CHAIN_GENESIS', 'EIREL_NETUID'],
  run: async (input, io) => {
    const [run = '', where = ''] = input.arguments;
    if (!RunId.safeParse(run).success)
      throw usage(auditRunCommand, {
        field: 'run',
        value: run,
        expected: 'a run id such as run-7',
      });
    const expected = readExpected(auditRunCommand, input);
    const network = readNetwork(auditRunCommand, input, io);
    await cryptoReady();
    await using log = await openLogSource(where, io);
    const named = await nameOfLog(log.source);
    const rpc = input.value('rpc');
    await using node = rpc === undefined ? null : await openNode(rpc, network, io);
    using bar = progressBar(io, 'auditing', log.size);
    const verdict = await auditLog(
      log.source,
      { ...expected, claims: [], ownerHotkey: null, run, chain: node?.chain ?? null },
      { verify: verifySr25519, blake2b256 },
      (done) => {
        io.signal.throwIfAborted();
        bar.show(done);
      },
    );
    if (verdict.runs.length === 0) {
      const next = 'eirel audit log says which faults it has';
      throw new AppError('input.invalid', {
        field: 'run',
        value: run,
        expected: 'a run of this log',
        next,
      });
    }
    const runs = [];
    for (const report of verdict.runs) {
      const chain =
        node === null || named === null ? null : await askChain(report, named.hotkey, node);
      runs.push({ report, chain: compareRun(report, chain) });
    }
    const { faults, events } = verdict;
    io.out(
      input.flag('json')
        ? `${JSON.stringify({ origin: verdict.origin, runs, faults, chain: verdict.chain })}\n`
        : `${runs.map(({ report, chain }) => tellRun(report, chain)).join('\n')}${table(tellChain(verdict.chain, events))}\n${tellFaults(faults)}`,
    );
    const differs = runs.some(({ chain }) => chain.some(({ verdict }) => verdict === 'differs'));
    return faults.length > 0 || differs ? EXIT.mismatch : EXIT.ok;
  },
};

async function askChain(
  { phases }: RunReport,
  hotkey: string,
  { chain, block }: Node,
): Promise<ChainRun> {
  const weights = await chain.weightsOf(hotkey);
  const slots =
    phases === null
      ? ({ known: false, detail: 'the log does not say when it was committed to' } as const)
      : await chain.commitments([hotkey], {
          after: phases.snapshot,
          upTo: Math.min(block, phases.commit),
        });
  return { weights, slots };
}
