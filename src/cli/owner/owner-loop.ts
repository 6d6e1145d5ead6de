import type { Owner } from '../../handlers/owner/owner.ts';
import type { Check } from '../../http/documents.ts';
import { wait } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logger.ts';

/** The loop of the owner's service, with how its last round went. Disposing of it waits for its end. */
type OwnerLoop = Readonly<{ check: () => Check }> & AsyncDisposable;

/**
 * Ends runs at their phases, a round at a time, until it is disposed of or the signal aborts. A round that fails is told
 * and made again.
 */
export function runOwnerLoop(
  owner: Pick<Owner, 'round'>,
  { pollMs, logger, signal }: Readonly<{ pollMs: number; logger: Logger; signal: AbortSignal }>,
): OwnerLoop {
  const stop = new AbortController();
  const running = AbortSignal.any([signal, stop.signal]);
  let state: Omit<Check, 'name'> = { ok: false, detail: 'no round was made yet' };
  const round = async (): Promise<void> => {
    try {
      const head = await owner.round();
      state = head.known
        ? { ok: true, detail: `block ${head.value}` }
        : { ok: false, detail: `${head.reason}: ${head.detail}` };
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      state = { ok: false, detail };
      if (!running.aborted) logger.error({ reason: detail }, 'a round failed, the loop goes on');
    }
  };
  const loop = (async () => {
    while (!running.aborted) {
      await round();
      await wait(pollMs, running);
    }
  })();
  return {
    check: () => ({ name: 'chain', ...state }),
    [Symbol.asyncDispose]: async () => {
      stop.abort(new Error('the service stops'));
      await loop;
    },
  };
}
