import { expect, test } from 'vitest';
import { ownerOutcome } from '#src/consensus/intended-weights.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { OwnerPickObserved } from '#src/events/divergence.ts';
import { sha256 } from '#src/events/hash.ts';
import type { Fetched } from '#src/handlers/ask-peers.ts';
import { observeOwner, readOwnerPick } from '#src/handlers/observe-owner.ts';
import { hotkeyOf } from '../consensus/fake-keys.ts';

const AT = { family: 'general_chat', run: 'run-7' };
const WINNER = hotkeyOf('m2x');
const OTHER = hotkeyOf('m1x');

type Fields = Readonly<Record<string, unknown>>;
const PICK = { family_id: 'general_chat', winner_hotkey: WINNER, family_weight: 0.5 };

function answer(changes: Fields = {}, pick: Fields = {}): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      run_id: 'run-7',
      ready: true,
      weights: { [WINNER]: 1, [OTHER]: 0.1 },
      family_winners: [
        { family_id: 'coding', winner_hotkey: OTHER, family_weight: 1 },
        { ...PICK, ...pick },
      ],
      ...changes,
    }),
  );
}

function pickOf(body: Uint8Array) {
  const pick = readOwnerPick(body, AT);
  if ('reason' in pick) throw new Error(pick.reason);
  return OwnerPickObserved.data.parse(pick);
}

function reasonOf(body: Uint8Array): string {
  const pick = readOwnerPick(body, AT);
  return 'reason' in pick ? pick.reason : `taken: ${JSON.stringify(pick)}`;
}

test('the pick of the family and run is read, in integers, by hotkey, with its evidence', () => {
  const body = answer({ unknown: 'ignored' });
  expect(pickOf(body)).toEqual({
    ...AT,
    winner: WINNER,
    share: 500_000_000,
    scores: [
      { miner: OTHER, weight: 100_000_000 },
      { miner: WINNER, weight: 1_000_000_000 },
    ],
    evidence: sha256(body),
  });
});

test.for<readonly [string, Uint8Array, object]>([
  ['nobody won', answer({}, { winner_hotkey: null }), { winner: null }],
  ['no share', answer({}, { family_weight: 0 }), { share: 0 }],
  ['a share with a rest', answer({}, { family_weight: 1 / 3 }), { share: 333_333_333 }],
  ['no weights', answer({ weights: {} }), { scores: [], winner: WINNER }],
])('a pick where %s', ([, body, expected]) => {
  expect(pickOf(body)).toMatchObject(expected);
});

const text = (of: string): Uint8Array => Buffer.from(of);
const swap = (from: string, to: string): Uint8Array =>
  text(Buffer.from(answer()).toString().replace(from, to));
const many = Object.fromEntries(
  Array.from({ length: 257 }, (_, index) => [hotkeyOf(`m${index}x`), 0]),
);

test.for<readonly [string, Uint8Array, string]>([
  ['of another run', answer({ run_id: 'run-8' }), 'run_id is run-8, expected run-7'],
  ['of an earlier run', answer({ run_id: 'run-6' }), 'run_id is run-6, expected run-7'],
  ['of no run', answer({ run_id: undefined }), 'run_id'],
  ['of a run that is none', answer({ run_id: 'latest' }), 'run_id'],
  ['that is not ready', answer({ ready: false }), 'ready'],
  ['without the family', answer({}, { family_id: 'other' }), 'no pick for the family general_chat'],
  ['without families', answer({ family_winners: [] }), 'no pick for the family general_chat'],
  [
    'with 65 families',
    answer({ family_winners: Array.from({ length: 65 }, () => PICK) }),
    'family_winners',
  ],
  ['with a winner that is none', answer({}, { winner_hotkey: 'x' }), 'winner_hotkey'],
  ['without a winner', answer({}, { winner_hotkey: undefined }), 'winner_hotkey'],
  ['with a share above 1', answer({}, { family_weight: 1.1 }), 'family_weight'],
  ['with a negative share', answer({}, { family_weight: -0.1 }), 'family_weight'],
  ['with a share of -0', swap('"family_weight":0.5', '"family_weight":-0.0'), 'family_weight'],
  ['with a share of 1e999', swap('"family_weight":0.5', '"family_weight":1e999'), 'family_weight'],
  ['with a weight of -0', swap('0.1', '-0.0'), 'weights'],
  ['with a weight above 1', answer({ weights: { [WINNER]: 2 } }), 'weights'],
  ['with a weight for nobody', answer({ weights: { x: 1 } }), 'weights'],
  ['with 257 weights', answer({ weights: many }), 'weights'],
  ['that is no JSON', text('<html>'), 'not JSON'],
  ['that is no UTF-8', Uint8Array.of(0xff), 'not JSON'],
  ['that is a list', text('[]'), 'object'],
  ['that is empty', text(''), 'not JSON'],
])('an answer %s is no pick', ([, body, reason]) => {
  expect(reasonOf(body)).toContain(reason);
  expect(reasonOf(body)).not.toMatch(/^taken/);
});

/** Asks once; what was fetched, recorded and told. */
async function observe(fetched: Fetched, ownerUrl: string | null = 'http://owner.test') {
  const urls: string[] = [];
  const recorded: DomainEvent[] = [];
  const { reason } = await observeOwner(
    { ...AT, ownerUrl },
    {
      fetch: (url) => {
        urls.push(url);
        return Promise.resolve(fetched);
      },
      record: (events) => {
        recorded.push(...events);
        return Promise.resolve();
      },
      signal: new AbortController().signal,
    },
  );
  return { urls, recorded, reason };
}

test('a pick is recorded; the run is asked for by name', async () => {
  const body = answer();
  expect(await observe({ kind: 'ok', status: 200, body })).toEqual({
    urls: ['http://owner.test/v1/weights?run_id=run-7'],
    recorded: [{ type: 'owner-pick.observed.v1', data: pickOf(body) }],
    reason: null,
  });
});

test.for<readonly [string, Fetched, string]>([
  [
    'that is away',
    { kind: 'refused', reason: 'unreachable', detail: 'no route' },
    'unreachable: no route',
  ],
  ['that has nothing yet', { kind: 'ok', status: 404, body: answer() }, 'HTTP status 404'],
  ['that errs', { kind: 'ok', status: 500, body: answer() }, 'HTTP status 500'],
  ['that talks nonsense', { kind: 'ok', status: 200, body: text('no') }, 'not JSON'],
])('an owner %s leaves no record, but its reason', async ([, fetched, reason]) => {
  const observed = await observe(fetched);
  expect(observed.recorded).toEqual([]);
  expect(observed.reason).toContain(reason);
});

test('an owner without an address is not asked', async () => {
  const observed = await observe({ kind: 'ok', status: 200, body: answer() }, null);
  expect(observed).toEqual({
    urls: [],
    recorded: [],
    reason: expect.stringContaining('EIREL_OWNER_URL'),
  });
});

const SNAPSHOT = {
  block: 9,
  blockHash: sha256('block 9'),
  rowCount: 4,
  voters: [],
  miners: [
    { hotkey: OTHER, uid: 0, registeredAt: 1 },
    { hotkey: WINNER, uid: 3, registeredAt: 1 },
  ],
  incumbent: null,
};

test('a pick becomes a vector on the seats of the decide block', () => {
  const pick = pickOf(answer());
  expect(ownerOutcome(pick, SNAPSHOT, 1)).toEqual({
    kind: 'pick',
    winner: WINNER,
    vector: [
      { uid: 0, weight: 65_535 },
      { uid: 3, weight: 65_535 },
    ],
  });
  expect(ownerOutcome({ ...pick, share: 1_000_000_000 }, SNAPSHOT, 3)).toMatchObject({
    vector: [
      { uid: 0, weight: 0 },
      { uid: 1, weight: 0 },
      { uid: 3, weight: 65_535 },
    ],
  });
  expect(ownerOutcome({ ...pick, winner: null }, SNAPSHOT, 1)).toEqual({
    kind: 'pick',
    winner: null,
    vector: [{ uid: 0, weight: 65_535 }],
  });
});

test('a pick without a seat, or with the seat that burns, is unregistered', () => {
  const pick = pickOf(answer());
  const gone = { ...SNAPSHOT, miners: [] };
  expect(ownerOutcome(pick, gone, 1)).toEqual({ kind: 'unregistered', winner: WINNER });
  expect(ownerOutcome({ ...pick, winner: OTHER }, SNAPSHOT, 1)).toEqual({
    kind: 'unregistered',
    winner: OTHER,
  });
});

test('without a pick, or without seats, the outcome is unknown', () => {
  expect(ownerOutcome(null, SNAPSHOT, 1)).toEqual({ kind: 'unknown' });
  expect(ownerOutcome(pickOf(answer()), null, 1)).toEqual({ kind: 'unknown' });
});
