import {
  auditServiceLog,
  type LedgerFacts,
  type ServiceLogKind,
  type ServiceLogVerdict,
} from '../../audit/service-log.ts';
import type { Io, Option } from '../command.ts';
import { progressBar } from '../progress.ts';
import { openEventsOf } from './open-log-source.ts';
import { table, tellFaults } from './tell.ts';

export const LEDGER_OPTION: Option = {
  type: 'string',
  placeholder: 'log',
  help: "the validator's ledger, an exported file or stream, to compare with what is said of it",
};

/** Audits the log of a ledger or an owner: an exported file, or the stream. Throws as `openEventsOf`. */
export async function auditService(named: string, kind: ServiceLogKind, io: Io) {
  await using log = await openEventsOf(kind, named, io);
  using bar = progressBar(io, `auditing the ${kind}`, log.size);
  return await auditServiceLog(log.source, kind, (done) => {
    io.signal.throwIfAborted();
    bar.show(done);
  });
}

/** The same for a validator's audit that is to hold its words against its ledger; null where none is named. */
export async function readLedger(
  named: string | undefined,
  io: Io,
): Promise<Readonly<{ verdict: ServiceLogVerdict; facts: LedgerFacts }> | null> {
  return named === undefined ? null : auditService(named, 'ledger', io);
}

/** An audited log of a ledger or an owner for people. */
export function tellServiceLog({
  log,
  origin,
  size,
  root,
  events,
  ledger,
  rulesEndAt,
  faults,
}: ServiceLogVerdict): string {
  const end = rulesEndAt === null ? '' : `, up to event ${rulesEndAt} only`;
  const rows: (readonly [string, string])[] = [
    ['log', log],
    ['origin', origin ?? 'none that can be read'],
    ['checkpoint', 'none: nothing says that the log is whole'],
    ['events', `${size}, root ${root}${end}`],
    ...Object.entries(events).map(([type, count]) => ['', `${count} ${type}`] as const),
  ];
  if (ledger !== null) {
    const { jobs, strays, overQuota, overBudget, otherHashes, pending } = ledger;
    rows.push(['jobs', `${jobs} opened, ${strays} that nobody opened`]);
    rows.push(['beyond', `${overQuota} jobs their calls, ${overBudget} their budget`]);
    rows.push(['hashes', `${otherHashes} that are not of the arguments beside them`]);
    rows.push(['pending', `${pending} calls of models that were never metered`]);
  }
  return `${table(rows)}\n${tellFaults(faults)}`;
}
