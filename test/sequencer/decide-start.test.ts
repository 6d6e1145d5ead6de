import { describe, expect, test } from 'vitest';
import { decideStart, type StartFacts } from '#src/sequencer/decide-start.ts';

const root = (digit: string): string => digit.repeat(64);

/** A log of 9 events on which everything agrees, and 2 events that no checkpoint covers. */
const AGREED: StartFacts = {
  lock: { source: 'log', size: 9, root: root('9'), note: 'note', time: '2026-01-01T00:00:00.000Z' },
  published: { size: 9, root: root('9') },
  tiles: { kind: 'whole' },
  staged: false,
  stream: { size: 11, root: root('9') },
  differsAt: null,
  known: [],
  anchorUnknown: null,
  laterGeneration: null,
};

const CHAIN = 'the chain';
const behind = { published: { size: 4, root: root('4') } } as const;
const missing = { tiles: { kind: 'missing', file: 'tile/0/000' } } as const;
const short = { stream: { size: 6, root: null } } as const;
const other = { stream: { size: 11, root: root('8') }, differsAt: 5 } as const;

const DECISIONS: readonly (readonly [string, Partial<StartFacts>, object])[] = [
  ['everything agrees: the gap is covered', {}, { kind: 'go-on', gap: 2 }],
  ['nothing is new', { stream: { size: 9, root: root('9') } }, { kind: 'go-on', gap: 0 }],
  [
    'a witness has an older checkpoint of the same log',
    { known: [{ by: 'W', size: 4, root: root('4'), here: root('4') }] },
    { kind: 'go-on' },
  ],
  [
    'the chain says nothing',
    { anchorUnknown: 'no node answers' },
    { kind: 'wait', detail: 'no node answers' },
  ],
  ['what was signed last is staged', { ...behind, staged: true }, { kind: 'replay-staging' }],
  [
    'it is staged, and the stream is short too: the files come first',
    { ...behind, ...short, staged: true },
    { kind: 'replay-staging' },
  ],
  ['what was signed last is not published', behind, { kind: 'publish-from-stream' }],
  ['nothing is published', { published: 'none' }, { kind: 'publish-from-stream' }],
  ['a published file is missing', missing, { kind: 'publish-from-stream' }],
  ['the stream lost its end', short, { kind: 'refill-stream', from: 6 }],
  ['the stream is empty', { stream: { size: 0, root: null } }, { kind: 'refill-stream', from: 0 }],
  ['the stream holds another event', other, { kind: 'rebuild-stream', index: 5 }],
  [
    'the stream is shorter, and another one before that',
    { ...short, differsAt: 2 },
    { kind: 'rebuild-stream', index: 2 },
  ],
  [
    'nobody is asked for what a disk can give back',
    { ...short, anchorUnknown: 'no node answers' },
    { kind: 'refill-stream' },
  ],
];

test.for(DECISIONS)('%s', ([, facts, expected]) => {
  expect(decideStart({ ...AGREED, ...facts })).toMatchObject(expected);
});

const REFUSALS: readonly (readonly [string, Partial<StartFacts>, string])[] = [
  ['no lock', { lock: null }, 'not-begun'],
  ['a checkpoint that our keys did not sign', { published: 'unreadable' }, 'unreadable'],
  [
    'a published checkpoint that is newer than the lock',
    { published: { size: 12, root: root('c') } },
    'lock-behind',
  ],
  [
    'a published checkpoint of the same size with another root',
    { published: { size: 9, root: root('8') } },
    'forked',
  ],
  [
    'a newer anchor',
    { known: [{ by: CHAIN, size: 10, root: root('a'), here: null }] },
    'lock-behind',
  ],
  [
    'a newer checkpoint with a witness',
    { known: [{ by: 'W', size: 10, root: root('a'), here: null }] },
    'lock-behind',
  ],
  [
    'an anchor of the same size with another root',
    { known: [{ by: CHAIN, size: 9, root: root('8'), here: null }] },
    'forked',
  ],
  [
    'an older checkpoint with a witness that is not of this log',
    { known: [{ by: 'W', size: 4, root: root('5'), here: root('4') }] },
    'forked',
  ],
  [
    'one good witness beside one bad',
    {
      known: [
        { by: 'W', size: 4, root: root('4'), here: root('4') },
        { by: 'V', size: 10, root: root('a'), here: null },
      ],
    },
    'lock-behind',
  ],
  ['a later generation on chain', { laterGeneration: 1 }, 'lock-behind'],
  [
    'published files with other bytes',
    { tiles: { kind: 'damaged', file: 'tile/0/000' } },
    'damaged',
  ],
  ['neither stream nor files hold it all', { ...short, ...behind }, 'lost'],
  [
    'another event in the stream, and files that are damaged',
    { ...other, tiles: { kind: 'damaged', file: 'tile/0/000' } },
    'lost',
  ],
];

describe('a log is refused with', () => {
  test.for(REFUSALS)('%s', ([, facts, reason]) => {
    const decision = decideStart({ ...AGREED, ...facts });
    expect(decision).toMatchObject({ kind: 'refuse', reason });
    expect(decision).toHaveProperty('next', expect.stringMatching(/./));
  });

  test('more than one fault told by the gravest: a newer witness before what could be mended here', () => {
    const known = [{ by: 'W', size: 10, root: root('a'), here: null }];
    expect(decideStart({ ...AGREED, ...behind, ...short, known, staged: true })).toMatchObject({
      reason: 'lock-behind',
    });
  });
});

test('a log that was begun and holds nothing goes on', () => {
  const lock = {
    source: 'log',
    size: 0,
    root: root('e'),
    note: '',
    time: '2026-01-01T00:00:00.000Z',
  };
  const empty = { lock, published: 'none', stream: { size: 0, root: root('e') } } as const;
  expect(decideStart({ ...AGREED, ...empty })).toEqual({ kind: 'go-on', gap: 0 });
});
