import { expect, test } from 'vitest';
import type { Known, Metagraph } from '#src/chain/chain.ts';
import { currentVoters } from '#src/cli/validator/current-voters.ts';

test('however many ask at once, the subnet is read once', async () => {
  const answer = Promise.withResolvers<Known<Metagraph>>();
  let reads = 0;
  const voters = currentVoters(
    {
      finalizedBlock: async () => ({ known: true, value: 100 }),
      metagraph: () => {
        reads += 1;
        return answer.promise;
      },
    },
    'self',
  );
  const asked = Promise.all(Array.from({ length: 50 }, voters.hotkeys));
  answer.resolve({ known: false, reason: 'unavailable', detail: 'no node answers' });
  expect(await asked).toEqual(Array.from({ length: 50 }, () => new Set()));
  expect(reads).toBe(1);
});
