import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { jobToken } from '#src/evaluation/job.ts';
import { jobIdOf } from '#src/evaluation/job-name.ts';
import { sha256 } from '#src/events/hash.ts';
import { createReservations } from '#src/handlers/reservations.ts';
import { isService } from '#src/handlers/tools/authorize-caller.ts';
import { chunkDocument } from '#src/handlers/tools/chunk-document.ts';
import {
  bindRun,
  indexCorpus,
  keepOnlyRuns,
  listCorpora,
} from '#src/handlers/tools/index-corpus.ts';
import { createJobDesk } from '#src/handlers/tools/job-desk.ts';
import { retrieveChunks } from '#src/handlers/tools/retrieve-chunks.ts';
import { createTurns } from '#src/handlers/tools/take-turns.ts';
import { ragRoutes } from '#src/http/tools/rag-routes.ts';
import { ragClient } from '#src/runtime/rag-client.ts';
import { openRagDatabase } from '#src/runtime/rag-database.ts';
import { fakeLedger } from '../support/fake-ledger.ts';
import { MINER, SECRETS, toolSite, VALIDATOR } from '../support/tool-site.ts';

const folder = await mkdtemp(join(tmpdir(), 'eirel-rag-'));
afterAll(() => rm(folder, { recursive: true }));

const DOCUMENTS = [
  { doc_id: 'rivers', content: 'The Rhine flows to the North Sea. It is a river.' },
  { doc_id: 'lakes', content: 'Lake Constance lies on the Rhine. A café stands there.' },
  { doc_id: 'odd', content: 'It\'s "quoted" OR NOT; DROP TABLE chunks; NEAR(x) * 東京 \u{1f600}' },
];

/** The service over a file; the same name again is the same service started anew. */
async function ragSite(name: string) {
  const store = await openRagDatabase(join(folder, name));
  const site = await toolSite('rag', ({ calls, admission }) => {
    const takeTurn = createTurns({ running: 2, waiting: 8 }, () => performance.now());
    const deps = { ...calls, store, takeTurn, quota: 30 };
    return ragRoutes({
      ...admission,
      retrieve: (caller, body) => retrieveChunks(caller, body, deps),
      authorizeService: ({ bearer }) =>
        isService(bearer, SECRETS)
          ? { kind: 'caller', caller: null }
          : { kind: 'refused', status: 401, detail: 'master token' },
      index: (body) => indexCorpus(body, deps),
      list: () => listCorpora(deps),
      bindRun: (body) => bindRun(body, deps),
      keepOnlyRuns: (runs) => keepOnlyRuns(runs, deps),
    });
  });
  const post = async (path: string, body: unknown, headers = MINER) => {
    const { status, json } = await site.post(path, body, headers);
    return { status, body: json() };
  };
  return {
    ...site,
    post,
    index: (corpus_id: string, documents: object[] = DOCUMENTS, more = {}) =>
      post('/v1/rag/corpora', { corpus_id, documents, ...more }, VALIDATOR),
    retrieve: (query: string, corpus_id = 'c', k = 5) =>
      post('/v1/rag/retrieve', { corpus_id, query, k }),
    [Symbol.asyncDispose]: async () => {
      await site[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

describe('a corpus', () => {
  test('is asked with the fields of the existing service, and the call is attested', async () => {
    await using site = await ragSite('fields.db');
    expect(await site.index('c')).toEqual({
      status: 200,
      body: { corpus_id: 'c', n_documents: 3, n_chunks: 3 },
    });
    expect(await site.retrieve('constance', 'c', 1)).toEqual({
      status: 200,
      body: {
        corpus_id: 'c',
        query: 'constance',
        chunks: [
          {
            doc_id: 'lakes',
            chunk_id: 'lakes#0000',
            text: DOCUMENTS[1]?.content,
            score: expect.any(Number),
            char_start: 0,
            char_end: DOCUMENTS[1]?.content.length,
          },
        ],
      },
    });
    expect(site.ledger.calls).toMatchObject([
      {
        tool: 'rag.retrieve',
        args: '{"corpus_id":"c","k":1,"query":"constance"}',
        result: '{"chunk_ids": ["lakes#0000"]}',
        cost: 0,
        status: 'ok',
      },
    ]);
  });

  test('is there after a restart', async () => {
    {
      await using site = await ragSite('restart.db');
      await site.index('c');
    }
    await using site = await ragSite('restart.db');
    expect((await site.retrieve('rhine')).body).toMatchObject({
      chunks: [{ doc_id: 'lakes' }, { doc_id: 'rivers' }],
    });
  });

  test('is found in by words of any language, whatever a query looks like', async () => {
    await using site = await ragSite('queries.db');
    await site.index('c');
    const idsOf = async (query: string) => {
      const { status, body } = await site.retrieve(query);
      expect(status, query).toBe(200);
      // safe: the form is the one that the first test checks
      return (body as { chunks: { doc_id: string }[] }).chunks.map(({ doc_id }) => doc_id);
    };
    expect(await idsOf('CAFE')).toEqual(['lakes']);
    expect(await idsOf('東京')).toEqual(['odd']);
    expect(await idsOf('"; DROP TABLE corpora; --')).toEqual(['odd']);
    expect(await idsOf('NEAR( OR * AND')).toEqual(['odd']);
    expect(await idsOf('?!')).toEqual([]);
    expect(await idsOf('nothing like it')).toEqual(['rivers', 'odd']);
  });

  test('gives the same answer whatever other corpora there are', async () => {
    await using site = await ragSite('alone.db');
    await site.index('c');
    const alone = (await site.retrieve('rhine river')).body;
    await site.index("o'ther; --", [{ doc_id: 'x', content: 'rhine '.repeat(500) }]);
    expect((await site.retrieve('rhine river')).body).toEqual(alone);
    expect((await site.retrieve('rhine', "o'ther; --")).body).toMatchObject({
      chunks: [{}, {}, {}],
    });
  });

  test('that is written again is replaced, and one without documents is empty', async () => {
    await using site = await ragSite('again.db');
    await site.index('c');
    await site.index('c', [{ doc_id: 'new', content: 'only this' }]);
    expect((await site.retrieve('rhine')).body).toMatchObject({ chunks: [] });
    await site.index('c', []);
    expect(await site.retrieve('only')).toMatchObject({ status: 200, body: { chunks: [] } });
    const listed = await site.get('/v1/rag/corpora', VALIDATOR);
    expect(listed.json()).toEqual({ corpora: [{ corpus_id: 'c', n_documents: 0, n_chunks: 0 }] });
  });

  test('that nobody wrote is unknown, and the call is attested as an error', async () => {
    await using site = await ragSite('unknown.db');
    expect(await site.retrieve('q', 'none')).toEqual({
      status: 404,
      body: { detail: { error: 'unknown_corpus', corpus_id: 'none' } },
    });
    expect(site.ledger.calls).toMatchObject([{ status: 'error', error: 'unknown_corpus' }]);
  });

  test('is written and listed by the validator alone', async () => {
    await using site = await ragSite('master.db');
    const body = { corpus_id: 'c', documents: DOCUMENTS };
    expect((await site.post('/v1/rag/corpora', body)).status).toBe(401);
    expect((await site.get('/v1/rag/corpora')).status).toBe(401);
  });

  test('has limits', async () => {
    await using site = await ragSite('limits.db');
    const documents = Array.from({ length: 201 }, (_, n) => ({ doc_id: `d${n}`, content: 'x' }));
    expect(await site.index('c', documents)).toEqual({
      status: 413,
      body: { detail: { error: 'too_many_documents', limit: 200 } },
    });
    expect(await site.index('c', [{ doc_id: 'd', content: 'x'.repeat(200_001) }])).toEqual({
      status: 413,
      body: { detail: { error: 'document_too_long', doc_id: 'd', limit_chars: 200_000 } },
    });
    expect((await site.index('c', [], { chunk_chars: 199 })).status).toBe(422);
    expect((await site.index('c', [], { chunk_chars: 200, overlap_chars: 200 })).status).toBe(422);
    expect((await site.post('/v1/rag/retrieve', { corpus_id: 'c', query: '' })).status).toBe(422);
    expect(
      (await site.post('/v1/rag/retrieve', { corpus_id: 'c', query: 'q', k: 11 })).status,
    ).toBe(422);
    for (const asked of [
      { corpus_id: 'x'.repeat(129), query: 'q' },
      { corpus_id: 'c', query: 'x'.repeat(4_001) },
      { corpus_id: 'c', query: 'q', k: 0 },
    ])
      expect((await site.post('/v1/rag/retrieve', asked)).status, asked.query.slice(0, 9)).toBe(
        422,
      );
    const once = { ...MINER, 'x-eirel-max-requests': '1' };
    await site.index('c');
    const asked = { corpus_id: 'c', query: 'rhine' };
    await site.post('/v1/rag/retrieve', asked, once);
    expect(await site.post('/v1/rag/retrieve', asked, once)).toEqual({
      status: 429,
      body: { detail: { error: 'rag_quota_exhausted', max_requests: 1 } },
    });
  });

  test('makes room for newer ones when there are very many', async () => {
    await using store = await openRagDatabase(join(folder, 'many.db'));
    const bound = { corpusId: 'c0', digest: sha256('0') };
    await store.bind({ run: 'r', deployments: [], corpora: [bound] });
    for (let n = 0; n < 259; n++)
      await store.write(
        { corpusId: `c${n}`, digest: sha256(String(n)), documents: 0, chunks: 0 },
        [],
      );
    const names = (await store.list()).map(({ corpusId }) => corpusId);
    expect(names.slice(0, 2)).toEqual(['c0', 'c3']);
    expect(names).toHaveLength(257);
  });
});

test('a corpus that is too large to look at every chunk is searched by the rarest words of a query', async () => {
  await using store = await openRagDatabase(join(folder, 'large.db'));
  const corpusOf = (name: string, chunks: number) => ({
    corpusId: name,
    digest: sha256(name),
    documents: 1,
    chunks,
  });
  const chunks = Array.from({ length: 10_001 }, (_, n) => ({
    docId: 'd',
    chunkId: `d#${n}`,
    text: n === 9_000 ? 'a needle in it' : 'a straw in it',
    charStart: 0,
    charEnd: 1,
  }));
  const [large, small] = [corpusOf('large', 10_001), corpusOf('small', 2_000)];
  await store.write(large, chunks);
  await store.write(small, chunks.slice(-2_000));
  const found = async (digest: string, query: string) =>
    (await store.find(digest, query, 3)).map(({ chunkId }) => chunkId);
  expect(await found(large.digest, 'it is a needle in what')).toEqual(['d#9000']);
  expect(await found(large.digest, 'in a')).toHaveLength(3);
  expect(await found(small.digest, 'it is a needle in what')).toEqual([
    'd#9000',
    'd#8001',
    'd#8002',
  ]);
});

/** A run of one miner whose corpus says this; the task sets of others have a corpus of that name, too. */
function runOf(name: string, says: string) {
  const deployment = `${sha256(name).slice(0, 8)}-2222-3333-4444-555555555555`;
  const job = jobIdOf({ turn: 't', deployment });
  return {
    job,
    shown: { authorization: `Bearer ${jobToken(SECRETS.jobKey, job)}`, 'x-eirel-job-id': job },
    shared: {
      run: `general_chat/${name}`,
      deployments: [deployment],
      corpora: [{ corpus_id: 'c', documents: [{ doc_id: 'd', content: `river ${says}` }] }],
    },
  };
}

test('a miner that searches all the time leaves the next place to others', async () => {
  const [one, other] = [runOf('one', ''), runOf('other', '')];
  const ledger = fakeLedger();
  for (const { job } of [one, other]) ledger.open(job);
  const begun: string[] = [];
  const release = Promise.withResolvers<[]>();
  let named = 0;
  const deps = {
    desk: createJobDesk({ ledger, reservations: createReservations(), nowMs: () => 0 }),
    ledger,
    newCall: () => `call-${++named}`,
    elapsedMs: () => 0,
    store: {
      contentsFor: async (deployment: string) => deployment,
      find: async (contents: string) => {
        begun.push(contents);
        return release.promise;
      },
    },
    takeTurn: createTurns({ running: 2, waiting: 8 }, () => 0),
    quota: 30,
  };
  const asked = { corpusId: 'c', query: 'q', k: 1 };
  const search = ({ job }: typeof one) => retrieveChunks({ job, asked: null }, asked, deps);
  const answers = [...Array.from({ length: 6 }, () => search(one)), search(other)];
  await expect.poll(() => begun.length).toBe(2);
  expect(begun).toEqual([one, other].flatMap(({ shared }) => shared.deployments));
  release.resolve([]);
  for (const answer of await Promise.all(answers)) expect(answer).toMatchObject({ status: 200 });
});

describe('runs that overlap', () => {
  const [one, other, later] = [
    runOf('one', 'in the north'),
    runOf('other', 'in the south'),
    runOf('later', 'in the east'),
  ];

  /** What the miner of a run finds under the name that all have. */
  async function opened(site: Awaited<ReturnType<typeof ragSite>>) {
    for (const { job } of [one, other, later]) site.ledger.open(job);
    return {
      search: ragClient({ url: site.url, token: SECRETS.serviceToken }),
      found: async ({ shown }: typeof one): Promise<unknown> => {
        const asked = { corpus_id: 'c', query: 'river' };
        const { status, body } = await site.post('/v1/rag/retrieve', asked, shown);
        // safe: the form is the one that the first test checks
        const { chunks } = body as { chunks?: { text: string }[] };
        return chunks?.map(({ text }) => text).join() ?? status;
      },
    };
  }

  test('find each in their own documents under one name, also after a restart', async () => {
    {
      await using site = await ragSite('runs.db');
      const { search, found } = await opened(site);
      expect([await search.share(one.shared), await search.share(other.shared)]).toEqual([
        null,
        null,
      ]);
      expect(await found(one)).toBe('river in the north');
      expect(await found(other)).toBe('river in the south');
    }
    await using site = await ragSite('runs.db');
    const { search, found } = await opened(site);
    expect(await search.share(later.shared)).toBeNull();
    expect([await found(one), await found(other), await found(later)]).toEqual([
      'river in the north',
      'river in the south',
      'river in the east',
    ]);
  });

  test('keep their documents until they are over, and those that another run has, too', async () => {
    await using site = await ragSite('over.db');
    const { search, found } = await opened(site);
    const same = { ...later.shared, corpora: one.shared.corpora };
    for (const run of [one.shared, other.shared, same]) await search.share(run);
    const names = async () => {
      const listed = await site.get('/v1/rag/corpora', VALIDATOR);
      // safe: the form is the one that another test checks
      return (listed.json() as { corpora: unknown[] }).corpora.length;
    };
    expect(await names()).toBe(2);
    expect(await search.keepOnly([same.run, other.shared.run])).toBeNull();
    expect([await found(later), await found(other), await names()]).toEqual([
      'river in the north',
      'river in the south',
      2,
    ]);
    expect(await search.keepOnly([same.run])).toBeNull();
    expect([await found(later), await names()]).toEqual(['river in the north', 1]);
    expect(await search.keepOnly([])).toBeNull();
    expect([await found(one), await found(later), await names()]).toEqual([404, 404, 0]);
  });

  test('find nothing that their task set does not have', async () => {
    await using site = await ragSite('strange.db');
    const { search, found } = await opened(site);
    await search.share(one.shared);
    await search.share({ ...other.shared, corpora: [] });
    expect(await found(other)).toBe(404);
  });

  test('show their documents to nobody of a run that has none', async () => {
    await using site = await ragSite('none.db');
    const { search, found } = await opened(site);
    await search.share(one.shared);
    expect(await found(other)).toBe(404);
    await site.post('/v1/rag/corpora', later.shared.corpora[0], VALIDATOR);
    expect([await found(one), await found(other)]).toEqual([
      'river in the north',
      'river in the east',
    ]);
  });

  test('are given their documents once, and told where the service does not take them', async () => {
    await using site = await ragSite('given.db');
    const token = SECRETS.serviceToken;
    expect(await ragClient({ url: site.url, token: 'another' }).share(one.shared)).toBe(
      'status 401',
    );
    const search = ragClient({ url: site.url, token });
    expect(await search.share(one.shared)).toBeNull();
    const long = [{ doc_id: 'd', content: 'x'.repeat(200_001) }];
    const refused = { ...one.shared, corpora: [{ corpus_id: 'long', documents: long }] };
    expect(await search.share(refused)).toBe('long: status 413');
    const nobody = ragClient({ url: 'http://127.0.0.1:1', token });
    expect(await nobody.share(one.shared)).not.toBeNull();
    expect(await nobody.keepOnly([])).not.toBeNull();
  });

  test('are told of by the validator alone', async () => {
    await using site = await ragSite('told.db');
    const body = { run: 'r', deployments: [], corpora: [] };
    expect((await site.post('/v1/rag/runs', body)).status).toBe(401);
    expect((await site.post('/v1/rag/runs/keep', { runs: [] })).status).toBe(401);
  });
});

describe('chunks', () => {
  test('end with a sentence where one ends, and overlap', () => {
    const text = `${'a'.repeat(150)}. ${'b'.repeat(200)}`;
    const chunks = chunkDocument('d', `  ${text}\n`, { chunkChars: 200, overlapChars: 20 });
    expect(chunks.map(({ chunkId, charStart, charEnd }) => [chunkId, charStart, charEnd])).toEqual([
      ['d#0000', 0, 152],
      ['d#0001', 132, 332],
      ['d#0002', 312, 352],
    ]);
    expect(chunks[0]?.text).toBe(`${'a'.repeat(150)}.`);
  });

  test('cover the whole document, each within its size', () => {
    const sizes = fc.record({
      chunkChars: fc.integer({ min: 200, max: 400 }),
      overlapChars: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(fc.string({ maxLength: 3_000 }), sizes, (content, given) => {
        const text = content.trim().toWellFormed();
        const chunks = chunkDocument('d', content, given);
        let covered = 0;
        for (const { charStart, charEnd } of chunks) {
          expect(text.slice(covered, charStart).trim()).toBe('');
          expect(charEnd - charStart).toBeLessThanOrEqual(given.chunkChars);
          covered = Math.max(covered, charEnd);
        }
        expect(text.slice(covered).trim()).toBe('');
      }),
      { numRuns: 200 },
    );
  });
});
