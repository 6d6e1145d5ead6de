import { isAppError } from '../../errors.ts';
import type { Ledger } from '../../handlers/ledger/ledger.ts';
import type { LedgerMetrics } from '../../http/ledger/ledger-metrics.ts';

type Ruled = Awaited<ReturnType<Ledger['open']>>;

/** The ledger, which counts what is sent to it and what becomes of that. */
export function countedLedger(ledger: Ledger, { ruled }: LedgerMetrics): Ledger {
  const counted = async (kind: string, wishes: number, answer: Promise<Ruled>): Promise<Ruled> => {
    try {
      const told = await answer;
      if (told.kind === 'refused') {
        ruled(kind, told.code === 'request.conflict' ? 'conflict' : 'not-found', wishes);
      } else {
        const again = told.facts.filter((fact) => fact.again).length;
        if (again > 0) ruled(kind, 'again', again);
        if (again < wishes) ruled(kind, 'recorded', wishes - again);
      }
      return told;
    } catch (error) {
      ruled(kind, isAppError(error, 'log.full') ? 'full' : 'unavailable', wishes);
      throw error;
    }
  };
  return {
    ...ledger,
    open: (terms) => counted('open', 1, ledger.open(terms)),
    close: (job) => counted('close', 1, ledger.close(job)),
    attest: (calls) => counted('attest', calls.length, ledger.attest(calls)),
    reserve: (call) => counted('reserve', 1, ledger.reserve(call)),
    meter: (calls) => counted('meter', calls.length, ledger.meter(calls)),
  };
}
