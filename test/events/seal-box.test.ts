import { createHash, hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EMPTY, readEvent } from '#src/events/decode.ts';
import { encode } from '#src/events/ej1.ts';
import { MAX_EVENT_BYTES, seal } from '#src/events/envelope.ts';
import { MAX_REPORT_BYTES } from '#src/events/report.ts';
import { runKeyOf, runKeys } from '#src/events/run-key.ts';
import { isSealable, openFact, type Sealable, sealFact } from '#src/events/seal-box.ts';
import { digest, hotkey, SOURCE, signature } from '../support/recorded-events.ts';
import vectors from '../vectors/seal.json' with { type: 'json' };

const RUN = { family: 'general_chat', run: 'run-7' };
const KEY = runKeyOf(new Uint8Array(32).fill(7), SOURCE, RUN);

type Score = Extract<Sealable, { type: 'score.recorded.v1' }>;

function score(over: Partial<Score['data']> = {}): Score {
  const data = { task: 'task-1', miner: hotkey('m'), evidence: digest('e') };
  const result = { status: 'scored', score: 812_500_000, basis: 'final' } as const;
  return { type: 'score.recorded.v1', data: { ...RUN, ...data, ...result, ...over } };
}

/** The report of a run with so many miners, with a body of so many characters. */
function report(miners: number, bodyLength: number): Sealable {
  const counts = { judged: 100, excused: 100, missing: 56 };
  return {
    type: 'report.signed.v1',
    data: {
      ...RUN,
      hotkey: hotkey('v'),
      body: '"'.repeat(miners * 2).padEnd(bodyLength, 'x'),
      signature: signature('5'),
      digest: digest('d'),
      coverage: Array.from({ length: miners }, () => ({ miner: hotkey('m'), ...counts })),
    },
  };
}

const scores = fc
  .record({
    task: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/),
    status: fc.constantFrom('scored', 'failed', 'excused'),
    score: fc.option(fc.integer({ min: 0, max: 1_000_000_000 })),
    basis: fc.constantFrom('final', 'agreement', 'none'),
    run: fc.nat({ max: 999_999_999 }).map((sequence) => `run-${sequence}`),
    family: fc.stringMatching(/^[a-z][a-z0-9_]{0,31}$/),
  })
  .map(score);

describe('known answers', () => {
  const secret = Buffer.from(vectors.secret, 'hex');
  const { family, run, runKey } = vectors;

  test('the key of a run follows from the secret and the log', () => {
    expect(runKeyOf(secret, vectors.source, { family, run })).toBe(runKey);
    expect(runKeys(secret, vectors.source)({ family, run })).toBe(runKey);
  });

  test.each(vectors.cases)('$name', ({ event, sealed }) => {
    const plain = event as unknown as Sealable; // safe: sealing checks it against its schema
    const fact = { family, run, ...sealed } as ReturnType<typeof sealFact>['data']; // safe: compared
    expect(sealFact(plain, runKey)).toEqual({ type: 'fact.sealed.v1', data: fact });
    expect(openFact(fact, runKey)).toMatchObject({ kind: 'opened', event: plain });
  });
});

test('a secret of another length gives no keys', () => {
  expect(() => runKeys(new Uint8Array(31), SOURCE)).toThrow(TypeError);
});

test('each run of each log has its own key', () => {
  const secret = new Uint8Array(32).fill(7);
  const other = [
    runKeyOf(secret, SOURCE, { ...RUN, run: 'run-8' }),
    runKeyOf(secret, SOURCE, { ...RUN, family: 'other' }),
    runKeyOf(secret, `${SOURCE}0`, RUN),
    runKeyOf(new Uint8Array(32).fill(8), SOURCE, RUN),
  ];
  expect(new Set([KEY, ...other]).size).toBe(5);
});

test('what is sealed opens to the same event, and a retry seals the same bytes', () => {
  fc.assert(
    fc.property(scores, (event) => {
      const sealed = sealFact(event, KEY);
      expect(openFact(sealed.data, KEY)).toEqual({ kind: 'opened', event });
      expect(sealFact(structuredClone(event), KEY)).toEqual(sealed);
    }),
  );
});

test('nothing of a result shows in the length of its box', () => {
  fc.assert(
    fc.property(scores, scores, ({ data: one }, { data: other }) => {
      const { task, family, run } = one;
      const [a, b] = [one, other].map((data) =>
        sealFact({ type: 'score.recorded.v1', data: { ...data, task, family, run } }, KEY),
      );
      expect(a?.data.box.length).toBe(b?.data.box.length);
    }),
  );
});

test('the same result of two pairs, or in two runs, is sealed to unlike boxes', () => {
  const boxes = [score(), score({ task: 'task-2' }), score({ run: 'run-8' })].map(
    (event) => sealFact(event, KEY).data.box,
  );
  expect(new Set(boxes.map((box) => box.slice(0, 16))).size).toBe(3);
});

test('every changed byte of box, digest or key is refused', () => {
  const sealed = sealFact(score(), KEY).data;
  const box = Buffer.from(sealed.box, 'base64');
  for (let offset = 0; offset < box.length; offset++) {
    const altered = { ...sealed, box: flipped(box, offset).toString('base64') };
    expect(openFact(altered, KEY).kind).toBe('refused');
  }
  for (let offset = 0; offset < 32; offset++) {
    const flip = (hex: string) => flipped(Buffer.from(hex, 'hex'), offset).toString('hex');
    expect(openFact({ ...sealed, digest: flip(sealed.digest) }, KEY).kind).toBe('refused');
    expect(openFact(sealed, flip(KEY)).kind).toBe('refused');
  }
});

test.for([
  ['a box cut by a byte', ({ box }) => ({ box: recode(box, (bytes) => bytes.subarray(1)) })],
  [
    'a box with a byte more',
    ({ box }) => ({ box: recode(box, (bytes) => Buffer.concat([bytes, Buffer.from(' ')])) }),
  ],
  ['an empty box', () => ({ box: '' })],
  ['base64 with loose bits at its end', () => ({ box: 'QR==' })],
  ['the label of another pair', () => ({ key: `task-2/${hotkey('m')}` })],
  ['the label of another run', () => ({ run: 'run-8' })],
  ['the label of another family', () => ({ family: 'other' })],
  ['the label of another type', () => ({ of: 'report.signed.v1', key: '' })],
] satisfies readonly (readonly [string, (fact: Fact) => Partial<Fact>])[])(
  '%s is refused',
  ([, change]) => {
    const sealed = sealFact(score(), KEY).data;
    expect(openFact({ ...sealed, ...change(sealed) }, KEY).kind).toBe('refused');
  },
);

test('what its schema refuses is not sealed', () => {
  expect(() => sealFact(score({ score: -1 }), KEY)).toThrow('event.invalid');
});

/** A sealed fact around any text: whoever has the key can make one. */
function around(text: string): Fact {
  const key = Buffer.from(KEY, 'hex');
  const digest = hash(
    'sha256',
    Buffer.concat([Buffer.from('eirel/seal/v1\0'), key, Buffer.from(text)]),
    'buffer',
  );
  const seed = Buffer.concat([Buffer.from('eirel/seal/v1/box\0'), key, digest]);
  const stream = createHash('shake256', { outputLength: text.length }).update(seed).digest();
  const box = Buffer.from(text).map((byte, index) => byte ^ (stream[index] ?? 0));
  return {
    ...RUN,
    of: 'score.recorded.v1',
    key: `task-1/${hotkey('m')}`,
    digest: digest.toString('hex'),
    box: Buffer.from(box).toString('base64'),
  };
}

const TEXT = encode({ data: score().data, type: 'score.recorded.v1' });

test('the text may be padded or not', () => {
  for (const text of [TEXT, `${TEXT} `, `${TEXT}   `])
    expect(openFact(around(text), KEY)).toMatchObject({ kind: 'opened', event: score() });
});

test.for([
  ['no text', ''],
  ['spaces', '   '],
  ['no JSON', 'scored'],
  ['no object', '[]'],
  ['null', 'null'],
  ['a space in front', ` ${TEXT}`],
  ['a line end behind', `${TEXT}\n`],
  ['a second event behind', TEXT + TEXT],
  ['keys in another order', `{"type":"score.recorded.v1","data":${encode(score().data)}}`],
  ['a further member', TEXT.replace('{"data"', '{"causationid":null,"data"')],
  ['no data', '{"type":"score.recorded.v1"}'],
  ['another type', encode({ data: { ...RUN, reason: 'requested' }, type: 'run.closed.v1' })],
  ['a type of another version', TEXT.replace('.v1"}', '.v2"}')],
  [
    'data that its schema refuses',
    encode({ data: { ...score().data, score: -1 }, type: 'score.recorded.v1' }),
  ],
  [
    'the result of another pair',
    encode({ data: score({ task: 'task-2' }).data, type: 'score.recorded.v1' }),
  ],
  [
    'a result of another run',
    encode({ data: score({ run: 'run-8' }).data, type: 'score.recorded.v1' }),
  ],
] as const)('a text that holds %s is refused though its key opens it', ([, text]) => {
  expect(openFact(around(text), KEY).kind).toBe('refused');
});

test.for([256, 0])('the longest report, of %d miners, fits an event', (miners) => {
  const sealed = sealFact(report(miners, MAX_REPORT_BYTES), KEY);
  const draft = { event: sealed, time: '2026-01-02T03:04:05.678Z', causationId: null };
  const { payload } = seal(draft, SOURCE, EMPTY);
  expect(payload.length).toBeLessThanOrEqual(MAX_EVENT_BYTES);
  expect(readEvent(payload, SOURCE, EMPTY).event).toEqual(sealed);
  expect(openFact(sealed.data, KEY)).toMatchObject({ kind: 'opened' });
});

test('only what gives scores away is sealed', () => {
  expect(isSealable(score())).toBe(true);
  expect(isSealable(report(1, 10))).toBe(true);
  expect(isSealable({ type: 'run.closed.v1', data: { ...RUN, reason: 'requested' } })).toBe(false);
});

type Fact = ReturnType<typeof sealFact>['data'];

function flipped(bytes: Buffer, offset: number): Buffer {
  const altered = Buffer.from(bytes);
  altered[offset] = (altered[offset] ?? 0) ^ 1;
  return altered;
}

function recode(box: string, change: (bytes: Buffer) => Uint8Array): string {
  return Buffer.from(change(Buffer.from(box, 'base64'))).toString('base64');
}
