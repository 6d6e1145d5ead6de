import type { SettleDeps } from './settle-call.ts';

/**
 * A call whose caller has left is heard for so long: most answers end within it, and what they cost is known. Longer
 * than that nobody pays a provider for what nobody reads.
 */
const HEARD_OUT_MS = 120_000;

type Hearing = Disposable &
  Readonly<{
    /** Aborts when the provider is not heard any more. */
    signal: AbortSignal;
    /** Whose doing it is when a call ends now, and nobody says what it took. */
    fault: () => 'caller' | 'provider' | 'proxy';
  }>;

/** How long a provider is heard: to its end while the caller waits, and for a while after it left. */
export function hearOut(
  left: AbortSignal,
  { pause, stopping }: Pick<SettleDeps, 'pause' | 'stopping'>,
): Hearing {
  const cut = new AbortController();
  const ended = new AbortController();
  const hearOn = async (): Promise<void> => {
    await pause(HEARD_OUT_MS, ended.signal);
    if (!ended.signal.aborted) cut.abort(new Error('the caller left long ago'));
  };
  const onLeft = (): void => void hearOn();
  if (left.aborted) onLeft();
  else left.addEventListener('abort', onLeft, { once: true });
  return {
    signal: cut.signal,
    fault: () => {
      if (stopping.aborted) return 'proxy';
      return cut.signal.aborted ? 'caller' : 'provider';
    },
    [Symbol.dispose]: () => {
      left.removeEventListener('abort', onLeft);
      ended.abort();
    },
  };
}
