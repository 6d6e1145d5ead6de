import { Counter, Gauge, type Registry } from 'prom-client';

/** What a wish can be for, and what can become of it. */
type LedgerOutcome = 'recorded' | 'again' | 'conflict' | 'not-found' | 'full' | 'unavailable';

export type LedgerMetrics = Readonly<{
  /** So many things that somebody wanted to have recorded came to this. */
  ruled: (kind: string, outcome: LedgerOutcome, wishes: number) => void;
}>;

export type LedgerFigures = Readonly<{
  /** How much waits to be ruled on. */
  waiting: () => number;
  /** How many acknowledged events the projection does not show. */
  unshown: () => number;
}>;

/** Adds the figures of a ledger to those of its process; what is a state is looked up when somebody asks. */
export function createLedgerMetrics(
  registry: Registry,
  { waiting, unshown }: LedgerFigures,
): LedgerMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string, figure: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(figure());
      },
    });
  };
  gauge('eirel_ledger_waiting', 'What was sent and waits to be ruled on', waiting);
  gauge(
    'eirel_ledger_unshown_events',
    'Acknowledged events that the projection does not show yet; they are read from memory',
    unshown,
  );
  const wishes = new Counter({
    name: 'eirel_ledger_wishes_total',
    help: 'What was sent to be recorded, by kind, and what came of it',
    labelNames: ['kind', 'outcome'],
    registers,
  });
  return { ruled: (kind, outcome, count) => wishes.inc({ kind, outcome }, count) };
}
