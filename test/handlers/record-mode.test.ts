import { expect, test } from 'vitest';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { recordMode } from '#src/handlers/record-mode.ts';
import { divergence } from '#src/projectors/divergence.ts';
import { digest, project } from '../support/recorded-events.ts';
import { FAMILY, runEvents } from '../support/run-events.ts';

const checkpoint = { size: 40, root: digest('c'), note: new Uint8Array() };

/** What is recorded when a validator starts in a mode, over a log that holds these events. */
async function started(
  mode: 'owner' | 'shadow' | 'decentralized',
  events: readonly DomainEvent[],
): Promise<readonly DomainEvent[]> {
  await using projection = await project(divergence, events);
  const recorded: DomainEvent[] = [];
  await recordMode(
    { family: FAMILY, mode },
    {
      divergence: projection.queries,
      record: async (more) => void recorded.push(...more),
      published: () => checkpoint,
    },
  );
  return recorded;
}

test('the first start records the mode', async () => {
  expect(await started('shadow', [])).toMatchObject([
    { data: { number: 1, from: null, to: 'shadow', figures: { runs: 0 } } },
  ]);
});

test('a start in the same mode records nothing', async () => {
  expect(await started('shadow', await started('shadow', []))).toEqual([]);
});

test('the change to decentralized quotes the figures of the gate and the checkpoint', async () => {
  const shadowed = [...(await started('shadow', [])), ...compared(1), ...compared(2)];
  const { size, root } = checkpoint;
  expect(await started('decentralized', shadowed)).toMatchObject([
    {
      type: 'mode.changed.v1',
      data: {
        number: 2,
        from: 'shadow',
        to: 'decentralized',
        figures: { runs: 2, recorded: 2, agreement: { agreed: 2, compared: 2 } },
        checkpoint: { size, root },
      },
    },
  ]);
});

test('a change back, and forth again, are changes of their own', async () => {
  const events: DomainEvent[] = [];
  for (const mode of ['shadow', 'decentralized', 'shadow'] as const)
    events.push(...(await started(mode, events)));
  expect(events.map((event) => event.type === 'mode.changed.v1' && event.data.number)).toEqual([
    1, 2, 3,
  ]);
});

function compared(sequence: number): readonly DomainEvent[] {
  return runEvents(`run-${sequence}`).filter(
    ({ type }) => type === 'run.closed.v1' || type === 'divergence.recorded.v1',
  );
}
