import type { LedgerClient } from '../ledger/ledger-port.ts';
import type { SettleDeps } from './settle-call.ts';

/**
 * A call whose caller has left is heard for so long: most answers end within it, and what they cost is known. Longer
 * than that nobody pays a provider for what nobody reads.
 */
const HEARD_OUT_MS = 120_000;

/**
 * How often it is looked whether the turn that a call is of has ended: whoever answered without it has left it, also
 * where it keeps the connection, and its evidence waits for what the call cost.
 */
const LOOK_MS = 15_000;

type HearDeps = Pick<SettleDeps, 'pause' | 'stopping'> &
  Readonly<{ ledger: Pick<LedgerClient, 'readJob'> }>;

type Hearing = Disposable &
  Readonly<{
    /** Aborts when the provider is not heard any more. */
    signal: AbortSignal;
    /** Whose doing it is when a call ends now, and nobody says what it took. */
    fault: () => 'caller' | 'provider' | 'proxy';
  }>;

/** How long a provider is heard: to its end while the caller waits, and for a while after it left or its turn ended. */
export function hearOut(
  { job, left }: Readonly<{ job: string; left: AbortSignal }>,
  deps: HearDeps,
): Hearing {
  const { pause, stopping } = deps;
  const cut = new AbortController();
  const ended = new AbortController();
  const turnEnded = new AbortController();
  void whenTurnEnds(job, ended.signal, deps).then(() => turnEnded.abort());
  const gone = AbortSignal.any([left, turnEnded.signal]);
  const hearOn = async (): Promise<void> => {
    await pause(HEARD_OUT_MS, ended.signal);
    if (!ended.signal.aborted) cut.abort(new Error('the caller left long ago'));
  };
  const onLeft = (): void => void hearOn();
  if (gone.aborted) onLeft();
  else gone.addEventListener('abort', onLeft, { once: true });
  return {
    signal: cut.signal,
    fault: () => {
      if (stopping.aborted) return 'proxy';
      return cut.signal.aborted ? 'caller' : 'provider';
    },
    [Symbol.dispose]: () => {
      gone.removeEventListener('abort', onLeft);
      ended.abort();
    },
  };
}

/** Resolves when the ledger says that the job is closed, or the call has ended. */
async function whenTurnEnds(
  job: string,
  ended: AbortSignal,
  { ledger, pause }: HearDeps,
): Promise<void> {
  for (;;) {
    await pause(LOOK_MS, ended);
    if (ended.aborted) return;
    const read = await ledger.readJob(job);
    if (read.kind === 'ok' && read.job?.open === false) return;
  }
}
