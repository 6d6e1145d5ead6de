import type { LedgerClient, MeteredCost, ReservedCost } from '../ledger/ledger-port.ts';

export type SettleDeps = Readonly<{
  ledger: Pick<LedgerClient, 'reserve' | 'meter'>;
  /** Waits some milliseconds; an abort ends the waiting early. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Aborts when the proxy ends. */
  stopping: AbortSignal;
}>;

/** So often a write is sent while the caller waits: a ledger that restarts is back by then. */
const ATTEMPTS_IN_TIME = 3;

/** So often in all: with the waits between them and the ledger's own time-out nine minutes. */
const MAX_ATTEMPTS = 40;

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 10_000;

/**
 * Puts a call down as pending, before the model is asked. `unavailable`: whether it arrived is not known. The same
 * call sent again is one.
 */
export async function reserveCall(
  call: ReservedCost,
  { ledger, pause, stopping }: SettleDeps,
): Promise<'taken' | 'refused' | 'unavailable'> {
  for (let attempt = 1; attempt <= ATTEMPTS_IN_TIME; attempt++) {
    const { kind } = await ledger.reserve(call);
    if (kind !== 'unavailable') return kind === 'ok' ? 'taken' : 'refused';
    if (attempt < ATTEMPTS_IN_TIME) await pause(backOff(attempt), stopping);
  }
  return 'unavailable';
}

/**
 * Puts down what a call cost, again and again until the ledger has it; whether it had it in time for the caller. The
 * amount is held until then. Where it never takes it the call stays pending there, at the most that it can cost.
 */
export function settleCall(
  cost: MeteredCost,
  held: Disposable,
  deps: SettleDeps,
): Promise<boolean> {
  const inTime = Promise.withResolvers<boolean>();
  keepSettling(cost, deps, () => inTime.resolve(false))
    .finally(() => held[Symbol.dispose]())
    .then(inTime.resolve, inTime.reject);
  return inTime.promise;
}

async function keepSettling(
  cost: MeteredCost,
  { ledger, pause, stopping }: SettleDeps,
  onLate: () => void,
): Promise<boolean> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const { kind } = await ledger.meter(cost);
    if (kind !== 'unavailable') return kind === 'ok';
    if (attempt === ATTEMPTS_IN_TIME) onLate();
    if (stopping.aborted) return false;
    await pause(backOff(attempt), stopping);
  }
  return false;
}

function backOff(attempt: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempt - 1));
}
