import { accusationFault, proveEvidence } from '../audit/accusations.ts';
import { auditLog } from '../audit/audit-log.ts';
import type { Fault } from '../audit/fault.ts';
import { type NamedLog, nameOfLog } from '../audit/log-name.ts';
import type { ServiceLogKind, ServiceLogVerdict } from '../audit/service-log.ts';
import { blake2b256 } from '../chain/blake2b.ts';
import { cryptoReady, verifySr25519 } from '../chain/hotkey.ts';
import { AppError } from '../errors.ts';
import { auditService, LEDGER_OPTION, readLedger, tellServiceLog } from './audit/audit-service.ts';
import { compareReports } from './audit/compare-reports.ts';
import { LOG_HELP, openLogSource } from './audit/open-log-source.ts';
import { openNode } from './audit/open-node.ts';
import { EXPECTED_OPTIONS, RPC_OPTION, readExpected, readNetwork } from './audit/options.ts';
import { askOutside, OUTSIDE_OPTIONS, type Outside } from './audit/outside.ts';
import { tellLog } from './audit/tell.ts';
import { type Command, type Input, type Io, JSON_OPTION } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { NATS_SETTINGS } from './nats-address.ts';
import { LOG_OPTION, readLogName } from './open-reader.ts';
import { progressBar } from './progress.ts';

export const auditLogCommand: Command = {
  name: 'audit log',
  summary:
    'Verify every event of a log: bytes, chain, tree, signatures, and each decision computed again.',
  arguments: ['log'],
  options: {
    log: LOG_OPTION,
    ...EXPECTED_OPTIONS,
    rpc: RPC_OPTION,
    ...OUTSIDE_OPTIONS,
    ledger: LEDGER_OPTION,
    json: JSON_OPTION,
  },
  details: `${LOG_HELP}\nThe log of a ledger or an owner publishes none of these: it is a file that eirel export wrote, or stream.\n\nNothing that the log says is believed: docs/auditing.md says what is proved, and what is not. Exit code 4 at any fault.`,
  settings: [...NATS_SETTINGS, 'EIREL_CHAIN_GENESIS', 'EIREL_NETUID'],
  run: async (input, io) => {
    const kind = readLogName(auditLogCommand, input);
    if (kind !== 'validator') return runServiceAudit(kind, input, io);
    const expected = readExpected(auditLogCommand, input);
    await cryptoReady();
    // Its end is taken first: a ledger that is read afterwards has every head that is named before that end.
    await using log = await openLogSource(input.arguments[0] ?? '', io);
    const ledger = await readLedger(input.value('ledger'), io);
    const { source } = log;
    const named = await nameOfLog(source);
    const rpc = input.value('rpc');
    const network = readNetwork(auditLogCommand, input, io);
    if (rpc !== undefined) requireNetwork(network, named);
    await using node = rpc === undefined ? null : await openNode(rpc, network, io);
    const outside = named === null ? NOBODY : await askOutside(named, input, io, node);
    if (outside.evidence.length > 0) requireNetwork(network, named);
    using bar = progressBar(io, 'auditing', log.size);
    const audited = await auditLog(
      source,
      {
        ...expected,
        claims: outside.claims,
        ownerHotkey: outside.ownerHotkey,
        chain: node?.chain ?? null,
        ledger: ledger?.facts ?? null,
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
        ...ledgerFaults(ledger?.verdict ?? null),
        ...(reports?.faults ?? []),
      ],
    };
    const { anchors, observations, witnesses } = outside;
    const { gate: _, runs: __, leftOut: ___, ...told } = verdict;
    const divergences = reports?.divergences ?? null;
    io.out(
      input.flag('json')
        ? `${JSON.stringify({ ...told, divergences, asked: { anchors, observations, witnesses } })}\n`
        : tellLog(verdict, outside, reports, ledger?.verdict ?? null),
    );
    return verdict.faults.length === 0 ? EXIT.ok : EXIT.mismatch;
  },
};

/** A log without a name of ours is one that nobody speaks of. */
const NOBODY: Outside = {
  claims: [],
  ownerHotkey: null,
  anchors: null,
  observations: null,
  witnesses: null,
  evidence: [],
  faults: [],
};

async function runServiceAudit(kind: ServiceLogKind, input: Input, io: Io): Promise<number> {
  const { verdict } = await auditService(input.arguments[0] ?? '', kind, io);
  io.out(input.flag('json') ? `${JSON.stringify(verdict)}\n` : tellServiceLog(verdict));
  return verdict.faults.length === 0 ? EXIT.ok : EXIT.mismatch;
}

/** A ledger that is not in order proves nothing of what it is compared with. */
function ledgerFaults(verdict: ServiceLogVerdict | null): readonly Fault[] {
  return (verdict?.faults ?? []).map((fault) => ({ ...fault, where: verdict?.log ?? null }));
}

/** What the chain holds, and what evidence proves, is of one network: another one's would say nothing. */
function requireNetwork({ genesis }: Readonly<{ genesis: string }>, named: NamedLog | null): void {
  if (named === null || genesis.startsWith(named.genesis8)) return;
  throw new AppError('input.invalid', {
    field: '--genesis',
    value: genesis,
    expected: `a genesis hash that begins with ${named.genesis8}, as the log names it`,
  });
}
