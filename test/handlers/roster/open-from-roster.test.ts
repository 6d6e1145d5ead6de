import { expect, test } from 'vitest';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { checkRoster } from '#src/evaluation/check-roster.ts';
import { sha256 } from '#src/events/hash.ts';
import { RunOpened } from '#src/events/run.ts';
import { createAttempts } from '#src/handlers/roster/attempts.ts';
import { openingOf } from '#src/handlers/roster/open-from-roster.ts';
import { rosterBytes, rosterExpected } from '../../support/rosters.ts';

const checked = checkRoster(rosterBytes(), rosterExpected(), verifySr25519);
if (checked.kind === 'refused') throw new Error(checked.detail);
const roster = checked;
const document = sha256(rosterBytes());
const view = { family: 'general_chat', runs: [], block: 99 };

test('a roster opens its run in one append, by what was signed', () => {
  const opening = openingOf(roster, document, view);
  expect(opening).toMatchObject({
    kind: 'open',
    events: [
      { type: 'run.opened.v1', data: { roster: roster.roster, phases: roster.body.phases } },
      { type: 'roster.accepted.v1', data: { document, roster: roster.roster, members: 3 } },
    ],
  });
  if (opening.kind === 'open')
    expect(RunOpened.data.safeParse(opening.events[0]?.data).success).toBe(true);
});

test.each([
  ['whose scoring is over', { ...view, block: roster.body.phases.commit }],
  ['before one that was opened', { ...view, runs: [{ run: 'run-8', status: 'open' } as const] }],
  ['of another family', { ...view, family: 'coding' }],
])('a run %s is not opened', (_name, at) => {
  expect(openingOf(roster, document, at)).toMatchObject({ kind: 'refused' });
});

test('what failed is tried after 1, 2, 4, 8 and then every 16 blocks, and at once when it is new', () => {
  const attempts = createAttempts();
  const tried: number[] = [];
  for (let block = 0; block < 70; block++) {
    if (!attempts.isDue('x', block)) continue;
    tried.push(block);
    attempts.failed('x', block);
  }
  expect(tried).toEqual([0, 1, 3, 7, 15, 31, 47, 63]);
  expect(attempts.isDue('y', 0)).toBe(true);
  attempts.succeeded('x');
  expect(attempts.isDue('x', 64)).toBe(true);
});
