import { expect, test } from 'vitest';
import { type Accused, excludedFrom } from '#src/consensus/exclusion.ts';
import { hotkeyOf } from './fake-keys.ts';

const [a, b] = [hotkeyOf('A'), hotkeyOf('B')];
const against = (hotkey: string, run: string, family = 'general_chat'): Accused => ({
  family,
  run,
  hotkey,
});
const from = (accepted: readonly Accused[], run: string) =>
  excludedFrom(accepted, { family: 'general_chat', run });

test('evidence excludes from the run after the one that it is of, and from every later one', () => {
  const accepted = [against(a, 'run-9')];
  expect(['run-8', 'run-9', 'run-10', 'run-100'].map((run) => from(accepted, run))).toEqual([
    [],
    [],
    [a],
    [a],
  ]);
});

test('runs are compared by their number, not by their name', () => {
  expect(from([against(a, 'run-10')], 'run-9')).toEqual([]);
});

test('each is named once, sorted, whatever the order of the evidence', () => {
  const accepted = [against(b, 'run-3'), against(a, 'run-2'), against(b, 'run-1')];
  expect(from(accepted, 'run-4')).toEqual([a, b]);
  expect(from(accepted.toReversed(), 'run-4')).toEqual([a, b]);
});

test('runs of another family are counted by themselves', () => {
  expect(from([against(a, 'run-1', 'coding')], 'run-2')).toEqual([]);
});
