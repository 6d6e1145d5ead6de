import { openProjection } from '#src/runtime/projection.ts';

import { counter } from './counter-projector.ts';
import { recordAll, SOURCE, scoreRecorded } from './recorded-events.ts';

const BATCH_EVENTS = 37;

/** A process that applies batch after batch and names each size that it reached, until it is killed. */
const dir = process.argv[2] ?? '';
const projection = await openProjection(counter, { dir, source: SOURCE });
for (;;) {
  const { size } = projection.head;
  const next = Array.from({ length: BATCH_EVENTS }, (_, index) => scoreRecorded(size + index));
  await projection.apply(recordAll(next, projection.head));
  process.stdout.write(`${projection.head.size}\n`);
}
