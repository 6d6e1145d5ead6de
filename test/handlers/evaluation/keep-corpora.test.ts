import { expect, test } from 'vitest';
import { createCorporaKeeper } from '#src/handlers/evaluation/keep-corpora.ts';

const CORPORA = [
  {
    corpus_id: 'c',
    documents: [{ doc_id: 'd', content: 'text' }],
    chunk_chars: null,
    overlap_chars: null,
  },
];
const NOT_YET = 'the corpora are not indexed yet';

/** A search that answers when it is told to, on a clock that is set by hand. */
function site() {
  const at = { ms: 0, away: 'rag', awaySince: null as number | null };
  const asked: PromiseWithResolvers<string | null>[] = [];
  const whyNot = createCorporaKeeper({
    clock: () => at.ms,
    outage: (since, service: string = at.away) =>
      at.awaySince !== null && at.awaySince >= since && service === at.away ? at.away : null,
    indexCorpora: () => {
      const answer = Promise.withResolvers<string | null>();
      asked.push(answer);
      return answer.promise;
    },
  });
  return {
    at,
    asked,
    whyNot: (digest = 'one') => whyNot(digest, CORPORA),
    bare: () => whyNot('x', []),
  };
}

test('the documents of each run are given to the search once, and nothing waits for it', async () => {
  const { asked, whyNot, bare } = site();
  expect([whyNot(), whyNot(), whyNot('two'), bare()]).toEqual([NOT_YET, NOT_YET, NOT_YET, null]);
  expect(asked).toHaveLength(2);
  asked[0]?.resolve(null);
  await expect.poll(() => whyNot()).toBeNull();
  expect(whyNot('two')).toBe(NOT_YET);
  asked[1]?.resolve(null);
  await expect.poll(() => [whyNot(), whyNot('two')]).toEqual([null, null]);
  expect(asked).toHaveLength(2);
});

test.for([
  ['refuses', (answer: PromiseWithResolvers<string | null>) => answer.resolve('status 503')],
  [
    'throws',
    (answer: PromiseWithResolvers<string | null>) => answer.reject(new Error('status 503')),
  ],
] as const)('a search that %s says why, and is asked again later', async ([, fail]) => {
  const { at, asked, whyNot } = site();
  whyNot();
  for (const answer of asked) fail(answer);
  await expect.poll(() => whyNot()).toContain('status 503');
  expect(asked).toHaveLength(1);
  at.ms = 5_000;
  expect(whyNot()).toContain('status 503');
  expect(asked).toHaveLength(2);
  asked[1]?.resolve(null);
  await expect.poll(() => whyNot()).toBeNull();
});

test('a search that was away since is given them again before a task begins', async () => {
  const { at, asked, whyNot } = site();
  whyNot();
  asked[0]?.resolve(null);
  await expect.poll(() => whyNot()).toBeNull();
  Object.assign(at, { ms: 60_000, awaySince: 30_000 });
  expect(whyNot()).toBe(NOT_YET);
  asked[1]?.resolve(null);
  await expect.poll(() => whyNot()).toBeNull();
  expect(asked).toHaveLength(2);
});

test('while the search stays away it is given them once in a while, and never because of another service', async () => {
  const { at, asked, whyNot } = site();
  whyNot();
  asked[0]?.resolve(null);
  await expect.poll(() => whyNot()).toBeNull();
  Object.assign(at, { ms: 60_000, away: 'web search', awaySince: 30_000 });
  expect([whyNot(), asked.length]).toEqual([null, 1]);
  Object.assign(at, { away: 'rag', awaySince: 1_000_000 });
  expect([whyNot(), asked.length]).toEqual([NOT_YET, 2]);
  asked[1]?.resolve(null);
  for (let turns = 0; turns < 20; turns++) {
    await Promise.resolve();
    whyNot();
  }
  expect(asked).toHaveLength(2);
  at.ms += 5_000;
  expect([whyNot(), asked.length]).toEqual([NOT_YET, 3]);
});
