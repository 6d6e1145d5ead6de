import { describe, expect, test } from 'vitest';

import type { DomainEvent } from '#src/events/catalogue.ts';
import {
  certificateMissed,
  certificateOf,
  decisionOf,
  decisions,
  inputsOf,
  intentsOf,
  lastIntended,
  lastRowCount,
  missedSnapshots,
  snapshotOf,
  statementRejections,
  statementsOf,
} from '#src/projectors/decisions.ts';

import { digest, hotkey, project, signature } from '../support/recorded-events.ts';
import { dataOf, FAMILY, runEvents, snapshot } from '../support/run-events.ts';

const RUN = 'run-7';
const place = { family: FAMILY, run: RUN };

test('every fact of a run is given as its event holds it', async () => {
  await using projection = await project(decisions, runEvents(RUN));
  const { queries } = projection;
  expect(await snapshotOf(queries, FAMILY, RUN, 'open')).toEqual(
    dataOf(RUN, 'snapshot.taken.v1').snapshot,
  );
  expect(await missedSnapshots(queries, FAMILY, RUN)).toEqual([dataOf(RUN, 'snapshot.missed.v1')]);
  expect(await inputsOf(queries, FAMILY, RUN)).toEqual(dataOf(RUN, 'inputs.gathered.v1'));
  expect(await decisionOf(queries, FAMILY, RUN)).toEqual(dataOf(RUN, 'decision.made.v1'));
  expect(await statementRejections(queries, FAMILY, RUN)).toEqual([
    dataOf(RUN, 'peer-decision.rejected.v1'),
  ]);
  expect(await certificateOf(queries, FAMILY, RUN)).toEqual(dataOf(RUN, 'certificate.built.v1'));
  expect(await certificateMissed(queries, FAMILY, RUN)).toEqual(
    dataOf(RUN, 'certificate.missed.v1'),
  );
  expect(await intentsOf(queries, FAMILY, RUN)).toEqual([dataOf(RUN, 'weights.intended.v1')]);
});

test('what has not happened is null, in another run and in another family', async () => {
  await using projection = await project(decisions, runEvents(RUN));
  const { queries } = projection;
  for (const [family, run] of [
    [FAMILY, 'run-70'],
    ['research', RUN],
  ] as const) {
    expect(await snapshotOf(queries, family, run, 'open')).toBeNull();
    expect(await missedSnapshots(queries, family, run)).toEqual([]);
    expect(await inputsOf(queries, family, run)).toBeNull();
    expect(await decisionOf(queries, family, run)).toBeNull();
    expect(await statementsOf(queries, family, run)).toEqual([]);
    expect(await certificateOf(queries, family, run)).toBeNull();
    expect(await certificateMissed(queries, family, run)).toBeNull();
    expect(await intentsOf(queries, family, run)).toEqual([]);
  }
});

describe('snapshots', () => {
  test('are told apart by their phase', async () => {
    await using projection = await project(decisions, [taken('decide', 200), taken('open', 100)]);
    const rows = async (phase: 'open' | 'decide'): Promise<number | undefined> =>
      (await snapshotOf(projection.queries, FAMILY, RUN, phase))?.rowCount;
    expect([await rows('open'), await rows('decide')]).toEqual([100, 200]);
  });

  test('that were missed are listed by phase and reason, the latest of each', async () => {
    await using projection = await project(decisions, [
      missed('unavailable', null, 10),
      missed('shrunken', 3, 11),
      missed('unavailable', null, 12),
      taken('open', 100),
    ]);
    const blocks = (await missedSnapshots(projection.queries, FAMILY, RUN)).map(
      ({ reason, block }) => [reason, block],
    );
    expect(blocks).toEqual([
      ['shrunken', 11],
      ['unavailable', 12],
    ]);
  });
});

describe('the last row count', () => {
  test('is that of the newest answer that had one, usable or not', async () => {
    const counts: (number | null)[] = [];
    const events = [
      taken('open', 256),
      missed('shrunken', 3, 11),
      missed('unavailable', null, 12),
      taken('decide', 250),
    ];
    for (const upTo of [0, 1, 2, 3, 4]) {
      await using projection = await project(decisions, events.slice(0, upTo));
      counts.push(await lastRowCount(projection.queries));
    }
    expect(counts).toEqual([null, 256, 3, 3, 250]);
  });

  test('of earlier runs leaves the run itself out, by number and not by text', async () => {
    await using projection = await project(decisions, [
      taken('open', 256, 'run-9'),
      taken('open', 99, 'run-10'),
      missed('shrunken', 3, 11, 'run-10'),
    ]);
    expect(await lastRowCount(projection.queries, 'run-10')).toBe(256);
    expect(await lastRowCount(projection.queries, 'run-11')).toBe(3);
    expect(await lastRowCount(projection.queries, 'run-9')).toBeNull();
  });
});

test('signed decisions: the own one first, then the peers’ by hotkey and outcome', async () => {
  const accepted = (by: string, digit: string): DomainEvent => ({
    type: 'peer-decision.accepted.v1',
    data: { ...place, hotkey: by, body: '{}', signature: signature(digit), outcome: digest(digit) },
  });
  const own: DomainEvent = {
    type: 'decision.signed.v1',
    data: {
      ...place,
      hotkey: hotkey('z'),
      body: '{}',
      signature: signature('1'),
      outcome: digest('1'),
    },
  };
  const peers = [
    accepted(hotkey('c'), '1'),
    accepted(hotkey('b'), '2'),
    accepted(hotkey('b'), '1'),
  ];
  await using projection = await project(decisions, [...peers, own]);
  const statements = await statementsOf(projection.queries, FAMILY, RUN);
  expect(statements.map(({ own, hotkey, outcome }) => [own, hotkey, outcome])).toEqual([
    [true, hotkey('z'), digest('1')],
    [false, hotkey('b'), digest('1')],
    [false, hotkey('b'), digest('2')],
    [false, hotkey('c'), digest('1')],
  ]);
});

test('the last intent is the newest one of the family that names a vector', async () => {
  const intent = (run: string, block: number, more: object = {}): DomainEvent => ({
    type: 'weights.intended.v1',
    data: { ...dataOf(run, 'weights.intended.v1'), targetBlock: block, ...more },
  });
  await using projection = await project(decisions, [
    intent('run-2', 20),
    intent('run-1', 10),
    intent('run-3', 30, { vector: null }),
    intent('run-4', 40, { family: 'research' }),
  ]);
  expect((await lastIntended(projection.queries, FAMILY))?.run).toBe('run-1');
  expect((await lastIntended(projection.queries, 'research'))?.run).toBe('run-4');
  expect(await lastIntended(projection.queries, 'coding')).toBeNull();
});

test('a run has one intent for each outcome, in the order of the log', async () => {
  const intent = (outcome: string | null): DomainEvent => ({
    type: 'weights.intended.v1',
    data: { ...dataOf(RUN, 'weights.intended.v1'), outcome },
  });
  await using projection = await project(decisions, [
    intent(null),
    intent(digest('b')),
    intent(null),
  ]);
  const intents = await intentsOf(projection.queries, FAMILY, RUN);
  expect(intents.map(({ outcome }) => outcome)).toEqual([null, digest('b')]);
});

function taken(phase: 'open' | 'decide', rowCount: number, run = RUN): DomainEvent {
  return {
    type: 'snapshot.taken.v1',
    data: { family: FAMILY, run, phase, snapshot: snapshot(rowCount) },
  };
}

function missed(
  reason: 'unavailable' | 'shrunken',
  rowCount: number | null,
  block: number,
  run = RUN,
): DomainEvent {
  return {
    type: 'snapshot.missed.v1',
    data: { family: FAMILY, run, phase: 'open', block, reason, rowCount, detail: 'why' },
  };
}
