import { expect, test } from 'vitest';
import { logSource } from '#src/events/source.ts';
import { generationOf } from '#src/sequencer/generation.ts';
import { hotkey } from '../support/recorded-events.ts';

const OWNER = { genesis: 'ab'.repeat(32), netuid: 36, hotkey: hotkey('a') };

test.for([
  ['no log was begun here', [], 0],
  ['the first log', [0], 0],
  ['logs that had to be given up', [0, 1, 2], 2],
  ['names that are not in the order of numbers', [10, 9], 10],
] as const)('%s', async ([, generations, expected]) => {
  const sources = generations.map((generation) => logSource({ ...OWNER, generation }));
  const others = [
    logSource({ ...OWNER, netuid: 37, generation: 77 }),
    logSource({ ...OWNER, hotkey: hotkey('b'), generation: 78 }),
    'something else/79',
  ];
  const lock = { sources: async () => [...others, ...sources] };
  expect(await generationOf(lock, OWNER)).toBe(expected);
});
