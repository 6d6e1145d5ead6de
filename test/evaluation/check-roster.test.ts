import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { signDocument } from '#src/consensus/signed.ts';
import { buildRoster, type RosterDraft } from '#src/evaluation/build-roster.ts';
import {
  checkRoster,
  type RosterCheck,
  type RosterExpected,
} from '#src/evaluation/check-roster.ts';
import {
  listDigest,
  MAX_ROSTER_BYTES,
  ROSTER_TYPE,
  RosterBody,
  RosterDocument,
} from '#src/evaluation/roster.ts';
import { decode, decodeBytes, encode, encodeBytes, type Json } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { devSigner } from '../support/dev-keys.ts';
import {
  rosterBytes,
  rosterDraft,
  rosterExpected,
  rosterMember,
  rosterOwner,
} from '../support/rosters.ts';

const BYTES = rosterBytes();
const DOCUMENT = RosterDocument.parse(decodeBytes(BYTES));
const BODY = RosterBody.parse(decode(DOCUMENT.signed.body));

const check = (bytes: Uint8Array, changes: Partial<RosterExpected> = {}): RosterCheck =>
  checkRoster(bytes, rosterExpected(changes), verifySr25519);

/** The document of another body, signed all the same. */
function signedAgain(
  body: Readonly<Record<string, Json>>,
  lists: Readonly<{ members?: Json; tasks?: Json }> = {},
  signer = rosterOwner,
): Uint8Array {
  const signed = signDocument(ROSTER_TYPE, encode({ ...BODY, ...body }), signer);
  const { members, tasks } = DOCUMENT;
  return encodeBytes({ members, tasks, ...lists, signed });
}

describe('a roster that the owner signed', () => {
  test('is accepted, under the SHA-256 of what was signed', () => {
    const checked = check(BYTES);
    expect(checked).toEqual({
      kind: 'accepted',
      roster: sha256(DOCUMENT.signed.body),
      body: BODY,
      document: DOCUMENT,
    });
  });

  test('has its members and tasks in order, whatever order they came in', () => {
    const draft = rosterDraft();
    const turned = { members: draft.members.toReversed(), tasks: draft.tasks.toReversed() };
    const checked = check(rosterBytes(turned));
    expect(checked).toMatchObject({ kind: 'accepted', document: { tasks: draft.tasks } });
  });

  test('is refused as a whole for any one byte that is another', () => {
    fc.assert(
      fc.property(fc.nat(BYTES.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const mutated = Uint8Array.from(BYTES);
        mutated[at] = (mutated[at] ?? 0) ^ change;
        expect(check(mutated).kind).toBe('refused');
      }),
      { numRuns: 300 },
    );
  });

  test('is refused for any bytes that are missing or added', () => {
    fc.assert(
      fc.property(fc.nat(BYTES.length - 1), fc.uint8Array({ minLength: 1 }), (at, more) => {
        expect(check(BYTES.subarray(0, at)).kind).toBe('refused');
        const longer = Buffer.concat([BYTES.subarray(0, at), more, BYTES.subarray(at)]);
        expect(check(longer).kind).toBe('refused');
      }),
    );
  });

  test('is refused where it is of another place or signer than is asked for', () => {
    const other = sha256('another');
    expect(check(BYTES, { genesis: other })).toMatchObject({ reason: 'wrong-network' });
    expect(check(BYTES, { netuid: 37 })).toMatchObject({ reason: 'wrong-network' });
    expect(check(BYTES, { family: 'other' })).toMatchObject({ reason: 'wrong-family' });
    expect(check(BYTES, { run: 'run-8' })).toMatchObject({ reason: 'wrong-run' });
    expect(check(BYTES, { owner: devSigner('x').hotkey })).toMatchObject({
      reason: 'wrong-signer',
      roster: sha256(DOCUMENT.signed.body),
    });
  });
});

const someone = rosterMember('ann');
const sorted = (...members: readonly (typeof someone)[]) =>
  members.toSorted((a, b) => (a.hotkey < b.hotkey ? -1 : 1));
const withMembers = (members: readonly (typeof someone)[]): Uint8Array =>
  signedAgain({ members: listDigest(members) }, { members });
const withTasks = (tasks: readonly string[], sample: number | null = null): Uint8Array =>
  signedAgain({ tasks: listDigest(tasks), sample }, { tasks });

test.each<[string, Uint8Array, string]>([
  ['nothing', new Uint8Array(), 'malformed'],
  ['bytes without end', new Uint8Array(MAX_ROSTER_BYTES + 1), 'malformed'],
  ['JSON that is not canonical', Buffer.concat([BYTES, Buffer.from('\n')]), 'malformed'],
  ['a document of another form', encodeBytes({ ...DOCUMENT, more: 1 }), 'malformed'],
  ['a body of another version', signedAgain({ v: 'eirel/roster/2' }), 'malformed'],
  ['a body that says more', signedAgain({ more: 1 }), 'malformed'],
  [
    'a signature for another kind of document',
    encodeBytes({
      ...DOCUMENT,
      signed: signDocument('application/json', DOCUMENT.signed.body, rosterOwner),
    }),
    'malformed',
  ],
  [
    'a signature of somebody else in the name of the owner',
    encodeBytes({
      ...DOCUMENT,
      signed: {
        ...signDocument(ROSTER_TYPE, DOCUMENT.signed.body, devSigner('x')),
        hotkey: rosterOwner.hotkey,
      },
    }),
    'bad-signature',
  ],
  ['a body of somebody else', signedAgain({}, {}, devSigner('x')), 'wrong-signer'],
  ['another member than was signed', signedAgain({}, { members: [someone] }), 'bad-members'],
  ['other tasks than were signed', signedAgain({}, { tasks: ['t-9'] }), 'malformed'],
  ['a hotkey that stands there twice', withMembers([someone, someone]), 'bad-members'],
  ['members out of order', withMembers(DOCUMENT.members.toReversed()), 'bad-members'],
  [
    'a submission of two hotkeys',
    withMembers(sorted(someone, rosterMember('bob', { submission: someone.submission }))),
    'bad-members',
  ],
  ['no members', withMembers([]), 'malformed'],
  ['a task that stands there twice', withTasks(['t-1', 't-1']), 'malformed'],
  ['a sample of more tasks than there are', withTasks(['t-1', 't-2'], 3), 'malformed'],
  [
    'phases out of order',
    signedAgain({ phases: { snapshot: 100, commit: 90, decide: 210, certify: 220 } }),
    'malformed',
  ],
  [
    'no time to score',
    signedAgain({ phases: { snapshot: 100, commit: 109, decide: 210, certify: 220 } }),
    'bad-phases',
  ],
  [
    'no time to exchange reports',
    signedAgain({ phases: { snapshot: 100, commit: 200, decide: 202, certify: 220 } }),
    'bad-phases',
  ],
  [
    'no time to agree',
    signedAgain({ phases: { snapshot: 100, commit: 200, decide: 210, certify: 213 } }),
    'bad-phases',
  ],
])('%s is refused', (_name, bytes, reason) => {
  expect(check(bytes)).toMatchObject({ kind: 'refused', reason });
});

test('no bytes make the check throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.json().map(Buffer.from)), (bytes) => {
      expect(check(bytes).kind).toBe('refused');
    }),
  );
});

test('a signature is looked at after everything else was found right', () => {
  let asked = 0;
  const counting = (): boolean => {
    asked += 1;
    return true;
  };
  checkRoster(withMembers([someone, someone]), rosterExpected(), counting);
  checkRoster(BYTES, rosterExpected({ run: 'run-8' }), counting);
  expect(asked).toBe(0);
  checkRoster(BYTES, rosterExpected(), counting);
  expect(asked).toBe(1);
});

describe('the owner', () => {
  const faults: Readonly<Record<string, Partial<RosterDraft>>> = {
    'a hotkey twice': { members: [someone, someone] },
    'a sample of too many': { sample: 5 },
    'phases without room': { phases: { snapshot: 1, commit: 2, decide: 3, certify: 4 } },
    'no members': { members: [] },
    'an archive that no runtime takes': {
      members: [rosterMember('ann', { bytes: 16_000_001 })],
    },
  };

  test.each(Object.entries(faults))('signs no roster with %s', (_name, changes) => {
    expect(() => buildRoster(rosterDraft(changes), rosterOwner)).toThrow('input.invalid');
  });

  test('signs no roster that is larger than validators read', () => {
    const manifest = '€'.repeat(4_096);
    const members = Array.from({ length: 200 }, (_, n) => rosterMember(`m-${n}`, { manifest }));
    expect(() => buildRoster(rosterDraft({ members }), rosterOwner)).toThrow('2000000');
  });

  test('signs a body of two kilobytes at most, so that two of them are one file of evidence', () => {
    const members = Array.from({ length: 256 }, (_, n) => rosterMember(`m-${n}`));
    const tasks = Array.from({ length: 256 }, (_, n) => `t-${n}-${'x'.repeat(100)}`);
    const { body } = buildRoster(rosterDraft({ members, tasks }), rosterOwner);
    expect(encode(body).length).toBeLessThan(2_000);
  });
});
