import type { DomainEvent } from '../../events/catalogue.ts';
import { type Recorder, recordInBatches } from '../recorder.ts';

/** How the pairs of a run end that is about to be closed: those that have no result. */
export type Excuses = (run: Readonly<{ family: string; run: string }>) => Promise<
  Readonly<{
    events: readonly DomainEvent[];
    /** Called once all of them are in the log. */
    onRecorded: () => void;
  }>
>;

export const NOTHING_EXCUSED: Awaited<ReturnType<Excuses>> = {
  events: [],
  onRecorded: () => undefined,
};

/**
 * A recorder that closes a run, whoever closes it, behind the excuses of what was not done: no score comes after the
 * end. A crash in between leaves some of them, and the next closing adds the rest.
 */
export function closeWithExcuses(record: Recorder, excuses: Excuses): Recorder {
  return async (events, causationId) => {
    for (const { type, data } of events) {
      if (type !== 'run.closed.v1') continue;
      const { events: excused, onRecorded } = await excuses(data);
      await recordInBatches(excused, record);
      onRecorded();
    }
    await record(events, causationId);
  };
}
