import { describe, expect, test } from 'vitest';

import type { DomainEvent } from '#src/events/catalogue.ts';
import {
  equivocators,
  heldReports,
  ownReport,
  ownReportIndex,
  rejections,
  reportByDigest,
  reportIndex,
  reports,
  scoresOpened,
} from '#src/projectors/reports.ts';

import { digest, hotkey, project, signature } from '../support/recorded-events.ts';

const [own, peer, relay] = [hotkey('b'), hotkey('a'), hotkey('c')];
const inRun = { family: 'general_chat', run: 'run-1' } as const;

const coverage = [{ miner: hotkey('m'), judged: 2, excused: 1, missing: 0 }];
const ownSigned: DomainEvent = {
  type: 'report.signed.v1',
  data: {
    ...inRun,
    hotkey: own,
    body: '{"own":1}',
    signature: signature('0'),
    digest: digest('5'),
    coverage,
  },
};

describe('the own report', () => {
  test('has its coverage, and is unknown before it is signed', async () => {
    await using projection = await project(reports, [ownSigned]);
    expect(await ownReport(projection.queries, 'general_chat', 'run-1')).toEqual(ownSigned.data);
    expect(await ownReport(projection.queries, 'general_chat', 'run-2')).toBeNull();
  });
});

describe('the own report in the log', () => {
  const opening: DomainEvent = { type: 'scores.opened.v1', data: { ...inRun, key: digest('e') } };

  test('has the index that a checkpoint has to cover, of its own run', async () => {
    const other = { ...ownSigned, data: { ...ownSigned.data, run: 'run-2' } } as DomainEvent; // safe: only its run differs
    await using projection = await project(reports, [other, ownSigned, ownSigned]);
    expect(await ownReportIndex(projection.queries, 'general_chat', 'run-1')).toBe(1);
    expect(await ownReportIndex(projection.queries, 'general_chat', 'run-3')).toBeNull();
  });

  test('is sealed until the key of its run is recorded', async () => {
    await using sealed = await project(reports, [ownSigned]);
    expect(await scoresOpened(sealed.queries, 'general_chat', 'run-1')).toBe(false);
    await using open = await project(reports, [ownSigned, opening]);
    expect(await scoresOpened(open.queries, 'general_chat', 'run-1')).toBe(true);
    expect(await scoresOpened(open.queries, 'general_chat', 'run-2')).toBe(false);
  });
});

describe('held reports', () => {
  const events = [
    ownSigned,
    accepted(peer, '9', relay),
    accepted(relay, '1', relay),
    equivocated(peer, '3', '9'),
  ];

  test('are the own one, the peers’, and the second one of an equivocator, by hotkey and digest', async () => {
    await using projection = await project(reports, events);
    const held = await heldReports(projection.queries, 'general_chat', 'run-1');
    expect(
      held.map(({ hotkey, digest, origin, servedBy }) => [hotkey, digest, origin, servedBy]),
    ).toEqual([
      [peer, digest('3'), 'equivocation', own],
      [peer, digest('9'), 'peer', relay],
      [own, digest('5'), 'own', null],
      [relay, digest('1'), 'peer', relay],
    ]);
    expect(held[1]).toEqual({
      hotkey: peer,
      digest: digest('9'),
      body: `{"by":"${peer}"}`,
      signature: signature('9'),
      origin: 'peer',
      servedBy: relay,
    });
    expect(await heldReports(projection.queries, 'research', 'run-1')).toEqual([]);
  });

  test('are indexed in the same order', async () => {
    await using projection = await project(reports, events);
    const held = await heldReports(projection.queries, 'general_chat', 'run-1');
    const index = await reportIndex(projection.queries, 'general_chat', 'run-1');
    expect(index).toEqual(held.map(({ hotkey, digest }) => ({ hotkey, digest })));
  });

  test('are found by their digest in their own run', async () => {
    await using projection = await project(reports, events);
    const found = await reportByDigest(projection.queries, 'general_chat', 'run-1', digest('9'));
    expect(found).toMatchObject({ hotkey: peer, origin: 'peer' });
    expect(
      await reportByDigest(projection.queries, 'general_chat', 'run-1', digest('8')),
    ).toBeNull();
    expect(
      await reportByDigest(projection.queries, 'general_chat', 'run-2', digest('9')),
    ).toBeNull();
  });

  test('keep the bytes that came first', async () => {
    const again = accepted(peer, '9', own);
    await using projection = await project(reports, [accepted(peer, '9', relay), again]);
    const held = await heldReports(projection.queries, 'general_chat', 'run-1');
    expect(held.map(({ servedBy }) => servedBy)).toEqual([relay]);
  });

  test('keep a body exactly, whatever characters it has', async () => {
    const body = `{"it's":"ü\\u0000 ${'"'}"?1 $& -- }`;
    await using projection = await project(reports, [accepted(peer, '9', relay, body)]);
    const [held] = await heldReports(projection.queries, 'general_chat', 'run-1');
    expect(held?.body).toBe(body);
  });
});

describe('equivocators', () => {
  test('are named with both digests', async () => {
    await using projection = await project(reports, [
      accepted(peer, '9', relay),
      equivocated(relay, '2', '1'),
      equivocated(peer, '3', '9'),
    ]);
    const found = await equivocators(projection.queries, 'general_chat', 'run-1');
    expect(found.map(({ hotkey, firstDigest, digest }) => [hotkey, firstDigest, digest])).toEqual([
      [peer, digest('9'), digest('3')],
      [relay, digest('1'), digest('2')],
    ]);
  });

  test('are named also when the second report was held before', async () => {
    await using projection = await project(reports, [
      accepted(peer, '9', relay),
      accepted(peer, '3', relay),
      equivocated(peer, '3', '9'),
    ]);
    expect(await equivocators(projection.queries, 'general_chat', 'run-1')).toHaveLength(1);
    expect(await heldReports(projection.queries, 'general_chat', 'run-1')).toHaveLength(2);
  });
});

test('rejections keep their reasons, in the order of the log, each once', async () => {
  const events = [
    rejected(peer, 'timeout', null),
    rejected(peer, 'bad-signature', digest('7')),
    rejected(relay, 'timeout', null),
  ];
  await using projection = await project(reports, [...events, ...events]);
  expect(await rejections(projection.queries, 'general_chat', 'run-1')).toEqual(
    events.map(({ data }) => data),
  );
});

function accepted(
  by: string,
  digit: string,
  servedBy: string,
  body = `{"by":"${by}"}`,
): DomainEvent {
  const report = { hotkey: by, body, signature: signature(digit), digest: digest(digit) };
  return { type: 'peer-report.accepted.v1', data: { ...inRun, ...report, servedBy } };
}

function equivocated(by: string, digit: string, first: string): DomainEvent {
  const report = { hotkey: by, body: '{}', signature: signature(digit), digest: digest(digit) };
  const data = { ...inRun, ...report, servedBy: own, firstDigest: digest(first) };
  return { type: 'equivocation.recorded.v1', data };
}

function rejected(by: string, reason: 'timeout' | 'bad-signature', of: string | null): DomainEvent {
  return {
    type: 'peer-report.rejected.v1',
    data: { ...inRun, peer: by, reason, detail: 'why', digest: of },
  };
}
