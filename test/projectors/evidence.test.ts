import { describe, expect, test } from 'vitest';
import type { DomainEvent } from '#src/events/catalogue.ts';
import type { EvidenceKind } from '#src/events/evidence.ts';
import {
  acceptedEvidence,
  anchorsIn,
  evidence,
  evidenceFile,
  lastObserved,
  observedIn,
} from '#src/projectors/evidence.ts';
import { digest, hotkey, project } from '../support/recorded-events.ts';

const family = 'general_chat';
const [a, b] = [hotkey('a'), hotkey('b')];

function accepted(against: string, kind: EvidenceKind, run: string, digit: string): DomainEvent {
  const data = {
    family,
    run,
    kind,
    hotkey: against,
    digest: digest(digit),
    file: `{"${digit}":1}`,
  };
  return { type: 'evidence.accepted.v1', data };
}

function observed(of: string, run: string, size: number, digit: string): DomainEvent {
  const root = digest(digit);
  const data = {
    family,
    run,
    hotkey: of,
    source: `log of ${of}`,
    size,
    root,
    note: `note ${size}`,
  };
  return { type: 'checkpoint.observed.v1', data };
}

describe('accepted evidence', () => {
  const events = [
    accepted(b, 'report', 'run-2', '1'),
    accepted(a, 'checkpoint', 'run-1', '2'),
    accepted(b, 'commitment', 'run-3', '3'),
  ];

  test('is listed in the order of the log, without the files', async () => {
    await using projection = await project(evidence, events);
    expect(await acceptedEvidence(projection.queries)).toEqual([
      { family, run: 'run-2', kind: 'report', hotkey: b, digest: digest('1') },
      { family, run: 'run-1', kind: 'checkpoint', hotkey: a, digest: digest('2') },
      { family, run: 'run-3', kind: 'commitment', hotkey: b, digest: digest('3') },
    ]);
  });

  test('has its file by digest, and no other', async () => {
    await using projection = await project(evidence, events);
    expect(await evidenceFile(projection.queries, digest('3'))).toBe('{"3":1}');
    expect(await evidenceFile(projection.queries, digest('4'))).toBeNull();
  });
});

describe('observed checkpoints', () => {
  const events = [
    observed(a, 'run-1', 5, '1'),
    observed(b, 'run-1', 9, '2'),
    observed(a, 'run-2', 12, '3'),
    observed(a, 'run-2', 4, '4'),
  ];

  test('are listed by run', async () => {
    await using projection = await project(evidence, events);
    const seen = await observedIn(projection.queries, family, 'run-1');
    expect(seen.map(({ hotkey: of, size }) => [of, size])).toEqual([
      [a, 5],
      [b, 9],
    ]);
    expect(await observedIn(projection.queries, family, 'run-3')).toEqual([]);
  });

  test('the last one of a log is the last that was seen, whatever its size', async () => {
    await using projection = await project(evidence, events);
    expect(await lastObserved(projection.queries, `log of ${a}`)).toEqual({
      hotkey: a,
      source: `log of ${a}`,
      size: 4,
      root: digest('4'),
      note: 'note 4',
    });
    expect(await lastObserved(projection.queries, 'another log')).toBeNull();
  });
});

test('anchors are listed by run, by hotkey and block', async () => {
  const anchor = (of: string, block: number, commit: string | null) => ({
    hotkey: of,
    block,
    generation: 1,
    size: block,
    root: digest('a'),
    commit,
  });
  const read = (
    after: number,
    upTo: number,
    anchors: ReturnType<typeof anchor>[],
  ): DomainEvent => ({
    type: 'anchors.read.v1',
    data: { family, run: 'run-1', after, upTo, anchors },
  });
  await using projection = await project(evidence, [
    read(100, 110, [anchor(a, 101, digest('c')), anchor(b, 105, null)]),
    read(110, 120, [anchor(a, 111, digest('c'))]),
  ]);
  expect(await anchorsIn(projection.queries, family, 'run-1')).toEqual([
    anchor(a, 101, digest('c')),
    anchor(a, 111, digest('c')),
    anchor(b, 105, null),
  ]);
});
