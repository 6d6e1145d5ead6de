import { accusationFault, proveEvidence } from '../audit/accusations.ts';
import { auditLog } from '../audit/audit-log.ts';
import { type NamedLog, nameOfLog } from '../audit/log-name.ts';
import { blake2b256 } from '../chain/blake2b.ts';
import { cryptoReady, verifySr25519 } from '../chain/hotkey.ts';
import { AppError } from '../errors.ts';
import { compareReports } from './audit/compare-reports.ts';
import { LOG_HELP, openLogSource } from './audit/open-log-source.ts';
import { openNode } from './audit/open-node.ts';
import { EXPECTED_OPTIONS, RPC_OPTION, readExpected, readNetwork } from './audit/options.ts';
import { askOutside, OUTSIDE_OPTIONS } from './audit/outside.ts';
import { tellLog } from './audit/tell.ts';
import { type Command, JSON_OPTION } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { NATS_SETTINGS } from './nats-address.ts';
import { progressBar } from './progress.ts';

export const auditLogCommand: Command = {
  name: 'audit log',
  summary:
    'Verify every event of a log: bytes, chain, tree, signatures, and each decision computed again.',
  arguments: ['log'],
  options: { ...EXPECTED_OPTIONS, rpc: RPC_OPTION, ...OUTSIDE_OPTIONS, json: JSON_OPTION },
  details: `${LOG_HELP}\n\nNothing that the log says is believed: docs/auditing.md says what is proved, and what is not. Exit code 4 at any fault.`,
  settings: [...NATS_SETTINGS, 'EIREL_CHAIN_GENESIS', 'EIREL_NETUID'],
  run: async (input, io) => {
    const expected = readExpected(auditLogCommand, input);
    await cryptoReady();
    await using log = await openLogSource(input.arguments[0] ?? '', io);
    const { source } = log;
    const named = await nameOfLog(source);
    const rpc = input.value('rpc');
    const network = readNetwork(auditLogCommand, input, io);
    if (rpc !== undefined) requireNetwork(network, named);
    await using node = rpc === undefined ? null : await openNode(rpc, network, io);
    const nobody = {
      claims: [],
      ownerHotkey: null,
      anchors: null,
      observations: null,
      witnesses: null,
      evidence: [],
      faults: [],
    };
    const outside = named === null ? nobody : await askOutside(named, input, io, node);
    if (outside.evidence.length > 0) requireNetwork(network, named);
    using bar = progressBar(io, 'auditing', log.size);
    const audited = await auditLog(
      source,
      {
        ...expected,
        claims: outside.claims,
        ownerHotkey: outside.ownerHotkey,
        chain: node?.chain ?? null,
      },
      { verify: verifySr25519, blake2b256 },
      (done) => {
        io.signal.throwIfAborted();
        bar.show(done);
      },
    );
    const deps = { verify: verifySr25519, blake2b256 };
    const context = { ...deps, ...network, ownerHotkey: outside.ownerHotkey };
    const reports = await compareReports(audited.leftOut, input.values('peer'), io);
    const proved = named === null ? [] : proveEvidence(outside.evidence, named.hotkey, context);
    const verdict = {
      ...audited,
      faults: [
        ...proved.map(accusationFault),
        ...outside.faults,
        ...audited.faults,
        ...(reports?.faults ?? []),
      ],
    };
    const { anchors, observations, witnesses } = outside;
    const { gate: _, runs: __, leftOut: ___, ...told } = verdict;
    const divergences = reports?.divergences ?? null;
    io.out(
      input.flag('json')
        ? `${JSON.stringify({ ...told, divergences, asked: { anchors, observations, witnesses } })}\n`
        : tellLog(verdict, outside, reports),
    );
    return verdict.faults.length === 0 ? EXIT.ok : EXIT.mismatch;
  },
};

/** What the chain holds, and what evidence proves, is of one network: another one's would say nothing. */
function requireNetwork({ genesis }: Readonly<{ genesis: string }>, named: NamedLog | null): void {
  if (named === null || genesis.startsWith(named.genesis8)) return;
  throw new AppError('input.invalid', {
    field: '--genesis',
    value: genesis,
    expected: `a genesis hash that begins with ${named.genesis8}, as the log names it`,
  });
}
