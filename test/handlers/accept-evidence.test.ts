import { expect, test } from 'vitest';
import type { Evidence } from '#src/audit/evidence.ts';
import { sha256 } from '#src/events/hash.ts';
import { decideEvidence, type Standing } from '#src/handlers/accept-evidence.ts';
import { hotkeyOf } from '../consensus/fake-keys.ts';

const [liar, other] = [hotkeyOf('L'), hotkeyOf('M')];
const evidence = (changes: Partial<Evidence> = {}): Evidence => ({
  kind: 'report',
  hotkey: liar,
  family: 'general_chat',
  run: 'run-7',
  digest: sha256('file'),
  summary: '',
  says: ['', ''],
  ...changes,
});
const standing = (changes: Partial<Standing> = {}): Standing => ({
  family: 'general_chat',
  newestRun: 'run-10',
  voters: new Set([liar, other]),
  accepted: [],
  ...changes,
});
const held = {
  family: 'general_chat',
  run: 'run-5',
  kind: 'report',
  hotkey: liar,
  digest: sha256('held'),
} as const;

test('what is new against a voter is accepted, under the run that it is of', () => {
  expect(decideEvidence(evidence(), 'file', standing())).toEqual({
    kind: 'accept',
    event: {
      type: 'evidence.accepted.v1',
      data: {
        family: 'general_chat',
        run: 'run-7',
        kind: 'report',
        hotkey: liar,
        digest: sha256('file'),
        file: 'file',
      },
    },
  });
});

test('what is of no run counts as of the newest one', () => {
  const fork = evidence({ kind: 'checkpoint', run: null, family: null });
  expect(decideEvidence(fork, 'file', standing())).toMatchObject({
    event: { data: { family: 'general_chat', run: 'run-10' } },
  });
  expect(decideEvidence(fork, 'file', standing({ newestRun: null }))).toMatchObject({
    kind: 'refuse',
    reason: 'run-not-opened',
  });
});

test('one piece of a kind against a hotkey is enough', () => {
  const at = standing({ accepted: [held] });
  expect(decideEvidence(evidence(), 'file', at)).toEqual({ kind: 'known', digest: held.digest });
  expect(decideEvidence(evidence({ kind: 'commitment' }), 'file', at).kind).toBe('accept');
  expect(decideEvidence(evidence({ hotkey: other }), 'file', at).kind).toBe('accept');
});

test.each<[string, Partial<Evidence>, string]>([
  ['a hotkey that does not vote', { hotkey: hotkeyOf('N') }, 'not-a-voter'],
  ['another family', { family: 'coding' }, 'other-family'],
  ['a run that is yet to come', { run: 'run-11' }, 'run-not-opened'],
])('evidence of %s is refused', (_title, changes, reason) => {
  expect(decideEvidence(evidence(changes), 'file', standing())).toMatchObject({
    kind: 'refuse',
    reason,
  });
});

test('of the rosters of an owner, who need not vote, one piece for each run is accepted', () => {
  const owner = hotkeyOf('W');
  const rosters = evidence({ kind: 'roster', hotkey: owner });
  expect(decideEvidence(rosters, 'file', standing()).kind).toBe('accept');
  const before = { ...held, kind: 'roster', hotkey: owner } as const;
  expect(decideEvidence(rosters, 'file', standing({ accepted: [before] })).kind).toBe('accept');
  const same = { ...before, run: 'run-7' };
  expect(decideEvidence(rosters, 'file', standing({ accepted: [same] })).kind).toBe('known');
});
