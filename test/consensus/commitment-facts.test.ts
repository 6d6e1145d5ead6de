import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commitmentPayload, scoreDigest } from '#src/consensus/commitment.ts';
import {
  commitmentFacts,
  commitmentsIn,
  mergeCommitments,
} from '#src/consensus/commitment-facts.ts';
import { hotkeyOf } from './fake-keys.ts';

const [A, B] = [hotkeyOf('a'), hotkeyOf('b')];
const text = (body: string, run = 'run-7') => commitmentPayload(run, body);
const at = (block: number, body: string) => ({ block, digest: scoreDigest(body) });

test('the first commitment to the run counts, and the first later one with another digest is evidence', () => {
  const texts = [
    { hotkey: B, block: 12, text: text('one') },
    { hotkey: A, block: 11, text: text('one', 'run-6') },
    { hotkey: A, block: 12, text: 'hello' },
    { hotkey: A, block: 13, text: null },
    { hotkey: A, block: 17, text: text('three') },
    { hotkey: A, block: 16, text: text('two') },
    { hotkey: A, block: 15, text: text('one') },
    { hotkey: A, block: 14, text: text('one') },
  ];
  expect(commitmentsIn(texts, 'run-7')).toEqual([
    { hotkey: A, first: at(14, 'one'), second: at(16, 'two') },
    { hotkey: B, first: at(12, 'one'), second: null },
  ]);
});

test('a window that is read in pieces gives what it gives when it is read at once', () => {
  const commitments = fc.uniqueArray(
    fc.record({
      hotkey: fc.constantFrom(A, B),
      block: fc.integer({ min: 1, max: 30 }),
      body: fc.constantFrom('one', 'two', 'three'),
    }),
    { selector: ({ hotkey, block }) => `${hotkey}/${block}`, maxLength: 20 },
  );
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 29 }), { maxLength: 4 });
  fc.assert(
    fc.property(commitments, cuts, (made, at) => {
      const texts = made.map(({ hotkey, block, body }) => ({ hotkey, block, text: text(body) }));
      const ends = [...at.toSorted((a, b) => a - b), 30];
      const reads = ends.map((upTo, index) => ({
        upTo,
        found: commitmentsIn(
          texts.filter(({ block }) => block > (ends[index - 1] ?? 0) && block <= upTo),
          'run-7',
        ),
      }));
      expect(mergeCommitments(reads)).toEqual(commitmentsIn(texts, 'run-7'));
      expect(mergeCommitments(reads.toReversed())).toEqual(commitmentsIn(texts, 'run-7'));
    }),
  );
});

test('commitments are known once they were read up to the commit block', () => {
  const found = [{ hotkey: A, first: at(14, 'one'), second: null }];
  const reads = [{ upTo: 19, found }];
  const facts = { commit: 20, missed: null };
  expect(commitmentFacts(reads, facts)).toEqual({ known: false, reason: 'unavailable' });
  expect(commitmentFacts(reads, { ...facts, missed: 'not-final' })).toEqual({
    known: false,
    reason: 'not-final',
  });
  expect(commitmentFacts([...reads, { upTo: 20, found: [] }], facts)).toEqual({
    known: true,
    found,
  });
});
