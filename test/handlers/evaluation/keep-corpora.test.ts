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
  const kept: (PromiseWithResolvers<string | null> & { runs: readonly string[] })[] = [];
  const keeper = createCorporaKeeper({
    clock: () => at.ms,
    outage: (since, service: string = at.away) =>
      at.awaySince !== null && at.awaySince >= since && service === at.away ? at.away : null,
    documentSearch: {
      share: () => {
        const answer = Promise.withResolvers<string | null>();
        asked.push(answer);
        return answer.promise;
      },
      keepOnly: (runs) => {
        const answer = { ...Promise.withResolvers<string | null>(), runs };
        kept.push(answer);
        return answer.promise;
      },
    },
  });
  const whyNotIn = (run: string, corpora: typeof CORPORA): string | null =>
    keeper.whyNotSearchable({ run, deployments: ['d'], corpora });
  return {
    at,
    asked,
    kept,
    keepOnly: keeper.keepOnly,
    whyNot: (run = 'one') => whyNotIn(run, CORPORA),
    bare: () => whyNotIn('x', []),
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

test('the search is told once which runs there are, again where it did not hear, and anew when they change', async () => {
  const { at, kept, keepOnly } = site();
  const runs = () => kept.map((each) => each.runs);
  keepOnly(['two', 'one']);
  keepOnly(['two', 'one']);
  expect(runs()).toEqual([['one', 'two']]);
  kept[0]?.resolve('status 503');
  await kept[0]?.promise;
  keepOnly(['one', 'two']);
  expect(kept).toHaveLength(1);
  at.ms = 5_000;
  await expect.poll(() => (keepOnly(['one', 'two']), kept.length)).toBe(2);
  kept[1]?.resolve(null);
  at.ms = 100_000;
  await expect.poll(() => (keepOnly(['two']), kept.length)).toBe(3);
  expect(runs().at(-1)).toEqual(['two']);
});

test('a run is not made known while the search may still forget it', async () => {
  const { asked, kept, keepOnly, whyNot } = site();
  keepOnly([]);
  expect([whyNot(), asked.length]).toEqual([NOT_YET, 0]);
  kept[0]?.resolve(null);
  await expect.poll(() => (whyNot(), asked.length)).toBe(1);
});

test('a run that is over and comes again is made known again', async () => {
  const { asked, keepOnly, whyNot } = site();
  whyNot();
  asked[0]?.resolve(null);
  await expect.poll(() => whyNot()).toBeNull();
  keepOnly(['one']);
  expect(whyNot()).toBeNull();
  keepOnly(['two']);
  expect(whyNot()).toBe(NOT_YET);
});
