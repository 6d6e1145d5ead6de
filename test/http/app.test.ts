import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { AppError } from '#src/errors.ts';
import { sha256 } from '#src/events/hash.ts';
import { startApp } from './client.ts';
import {
  alice,
  emptyRun,
  evidence,
  FAMILY,
  fakeValidator,
  reportOf,
  SOURCE,
} from './fake-validator.ts';

const RUN_PATHS = ['scores', 'reports', 'decisions', 'certificates'].map(
  (noun) => `/v1/consensus/${noun}/run-7`,
);
const FAMILY_PATHS = [...RUN_PATHS, '/v1/consensus/divergence', '/bundle/run-7'];
const OTHER_PATHS = [
  '/v1/log/events',
  '/log/checkpoint',
  '/log/tile/0/000',
  '/log/tile/entries/001.p/1',
  '/log/proof/256',
  '/log/.well-known/eirel-log.json',
  `/witness/${sha256(SOURCE)}/checkpoint`,
  '/v1/evidence',
  `/v1/evidence/${evidence.digest}`,
  '/v1/status',
  '/livez',
  '/readyz',
  '/metrics',
  '/openapi.json',
];
const PATHS = [...FAMILY_PATHS, ...OTHER_PATHS];

/** Paths with something other than GET and HEAD. */
const METHODS: Readonly<Record<string, string>> = {
  '/v1/evidence': 'GET, HEAD, POST',
  '/witness/add-checkpoint': 'POST',
};

const held = {
  ...emptyRun,
  reports: [reportOf(alice)],
  decision: { commitments: null, decision: null, inputs: null, statements: [] },
  certificate: { kind: 'ready', bytes: Buffer.from('{}') },
} as const;
const runs = { [`${FAMILY}/run-7`]: held };

describe('every route', () => {
  test('answers GET, and HEAD with the same header fields and no body', async () => {
    await using app = await startApp(fakeValidator(runs));
    for (const path of PATHS) {
      const got = await app.ask(path);
      const head = await app.ask(path, { method: 'HEAD' });
      expect([path, got.status, head.status]).toEqual([path, 200, 200]);
      expect(got.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'access-control-allow-origin': '*',
        'content-length': String(got.body.length),
      });
      expect(head.body).toHaveLength(0);
      if (path !== '/metrics') expect(head.headers['content-length']).toBe(String(got.body.length));
      expect(head.headers['content-type']).toBe(got.headers['content-type']);
      expect(head.headers['etag']).toBe(got.headers['etag']);
      expect(got.headers['x-powered-by']).toBeUndefined();
    }
  });

  test('refuses every other method with 405 and the allowed ones', async () => {
    await using app = await startApp(fakeValidator(runs));
    for (const path of [...PATHS, '/witness/add-checkpoint']) {
      const methods = METHODS[path] ?? 'GET, HEAD';
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND']) {
        if (methods.split(', ').includes(method)) continue;
        const reply = await app.ask(path, { method });
        expect([path, method, reply.status]).toEqual([path, method, 405]);
        expect(reply.headers['allow']).toBe(`${methods}, OPTIONS`);
        expect(reply.json()).toMatchObject({ status: 405, instance: path });
      }
    }
  });

  test('tells a page of any origin what it may ask', async () => {
    await using app = await startApp(fakeValidator(runs));
    for (const path of [...PATHS, '/witness/add-checkpoint']) {
      const methods = METHODS[path] ?? 'GET, HEAD';
      const reply = await app.ask(path, {
        method: 'OPTIONS',
        headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' },
      });
      expect([path, reply.status, reply.body.length]).toEqual([path, 204, 0]);
      expect(reply.headers).toMatchObject({
        allow: `${methods}, OPTIONS`,
        'access-control-allow-origin': '*',
        'access-control-allow-methods': methods,
        'access-control-allow-headers': 'Content-Type, If-None-Match',
      });
    }
    expect((await app.ask('/nothing', { method: 'OPTIONS' })).status).toBe(404);
  });

  test('names a query parameter that it does not know', async () => {
    await using app = await startApp(fakeValidator(runs));
    for (const path of PATHS) {
      for (const name of ['famly', 'Family', '__proto__', 'constructor', 'toString']) {
        const reply = await app.ask(`${path}?${name}=x`);
        expect(reply.status).toBe(400);
        expect(reply.headers['content-type']).toBe('application/problem+json');
        expect(reply.json()).toMatchObject({ field: name, value: 'x', instance: path });
      }
    }
  });

  test('refuses a body, and the connection that it comes on', async () => {
    await using app = await startApp(fakeValidator(runs));
    for (const path of [...PATHS, '/nothing']) {
      for (const headers of [{ 'content-length': '3' }, { 'transfer-encoding': 'chunked' }]) {
        const reply = await app.ask(path, { headers, body: 'abc' });
        expect([path, reply.status, reply.headers['connection']]).toEqual([path, 400, 'close']);
      }
    }
  });
});

describe('a run id', () => {
  test('that is malformed is refused before anything is looked up', async () => {
    const lookUp = async (): Promise<never> => {
      throw new Error('looked up');
    };
    await using app = await startApp(
      fakeValidator(
        {},
        {
          signedReport: lookUp,
          reports: lookUp,
          decision: lookUp,
          certificate: lookUp,
        },
      ),
    );
    const malformed = [
      'run-07',
      'RUN-7',
      'run-',
      'run--1',
      'run-7x',
      'run-1e3',
      'run-9999999999',
      'run-%EF%BC%97',
      'run-7%00',
      'run-7%0a',
      '..%2f',
      '..%2frun-7',
      '%2e%2e%2frun-7',
      'run-7%2f..',
      `run-${'7'.repeat(6_000)}`,
    ];
    for (const noun of ['scores', 'reports', 'decisions', 'certificates']) {
      for (const run of malformed) {
        const reply = await app.ask(`/v1/consensus/${noun}/${run}`);
        expect([run, reply.status]).toEqual([run, 400]);
        expect(reply.json()).toMatchObject({ field: 'run_id', expected: 'a run id such as run-7' });
        expect(reply.body.length).toBeLessThan(1_000);
      }
    }
  });

  test('that is not percent-encoded UTF-8 is refused as a path', async () => {
    await using app = await startApp(fakeValidator());
    for (const run of ['%', '%zz', '%ff', 'run-%c3%28']) {
      const reply = await app.ask(`/v1/consensus/scores/${run}`);
      expect(reply.json()).toMatchObject({ status: 400, field: 'path' });
    }
  });

  test('with more or fewer segments is an unknown path', async () => {
    await using app = await startApp(fakeValidator(runs));
    const paths = [
      '/',
      '/v1',
      '/v1/consensus/scores',
      '/v1/consensus/scores/',
      '/v1/consensus/scores/run-7/',
      '/v1/consensus/scores/../run-7',
      '/V1/consensus/scores/run-7',
      '//v1/consensus/scores/run-7',
      '/v1/consensus/scores/run-7/x',
      '/livez/',
      '/LIVEZ',
      '/favicon.ico',
    ];
    for (const path of paths) {
      const reply = await app.ask(path);
      expect([path, reply.status]).toEqual([path, 404]);
      expect(reply.json()).toMatchObject({ reason: 'unknown-path', instance: path });
    }
  });
});

describe('a family', () => {
  test('is the default one unless the query names another', async () => {
    await using app = await startApp(
      fakeValidator({ ...runs, 'deep_research/run-7': { ...emptyRun, sealedUntil: 9 } }),
    );
    const status = async (path: string) => (await app.ask(path)).status;
    expect(await status('/v1/consensus/scores/run-7')).toBe(200);
    expect(await status('/v1/consensus/scores/run-7?family=general_chat')).toBe(200);
    expect(await status('/v1/consensus/scores/run-7?family=deep_research')).toBe(425);
    expect(await status('/v1/consensus/scores/run-7?family=other')).toBe(404);
  });

  test('that is malformed, empty or given twice is refused', async () => {
    await using app = await startApp(fakeValidator(runs));
    for (const path of FAMILY_PATHS) {
      for (const query of [
        'family=',
        'family=General',
        'family=a%2Fb',
        `family=${'a'.repeat(33)}`,
        'family=a&family=a',
      ]) {
        const reply = await app.ask(`${path}?${query}`);
        expect([path, query, reply.status]).toEqual([path, query, 400]);
        expect(reply.json()).toMatchObject({ field: 'family' });
      }
    }
  });
});

describe('a fault', () => {
  test('shows nothing of itself to the client, and everything to the log', async () => {
    const secret = new Error('password=hunter2 at /srv/secret.db');
    const fail = async (): Promise<never> => {
      throw secret;
    };
    await using app = await startApp(
      fakeValidator(
        {},
        {
          signedReport: fail,
          reports: fail,
          decision: fail,
          certificate: fail,
          divergence: fail,
          events: fail,
          publishedLog: { checkpoint: () => ({ size: 257, note: Buffer.from('') }), file: fail },
          logDescription: fail,
          bundle: fail,
          witnessedCheckpoint: fail,
          evidenceIndex: fail,
          evidence: fail,
          status: fail,
          readiness: fail,
        },
      ),
    );
    const alive = ['/log/checkpoint', '/livez', '/metrics', '/openapi.json'];
    for (const path of PATHS.filter((path) => !alive.includes(path))) {
      const reply = await app.ask(path);
      expect([path, reply.status]).toEqual([path, 500]);
      expect(reply.json()).toEqual({
        type: 'tag:eirel.network,2026:server.fault',
        title: 'The validator failed to answer',
        status: 500,
        detail: 'The cause is in the log of the validator, for its operator.',
        instance: path,
      });
      expect(app.logged.at(-1)).toMatchObject({ status: 500, error: secret });
    }
  });

  test('of the log or the chain is 503 with a time to come back, without its details', async () => {
    for (const code of ['log.unavailable', 'chain.unavailable'] as const) {
      const down = new AppError(code, {
        field: 'server',
        value: 'nats://user:hunter2@10.0.0.1',
        detail: 'hunter2',
      });
      await using app = await startApp(
        fakeValidator(
          {},
          {
            signedReport: async () => {
              throw down;
            },
          },
        ),
      );
      const reply = await app.ask('/v1/consensus/scores/run-7');
      expect(reply).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
      expect(reply.text).not.toMatch(/hunter2|10\.0/);
      expect(app.logged.at(-1)?.error).toBe(down);
    }
  });

  test('of any other kind that a function throws, such as nothing at all, is 500 too', async () => {
    const damaged = new AppError('projection.damaged', { file: '/srv/secret.db', expected: 'x' });
    for (const error of [damaged, 'text', 7, { status: 404 }, undefined, null]) {
      await using app = await startApp(fakeValidator({}, { status: () => Promise.reject(error) }));
      const reply = await app.ask('/v1/status');
      expect(reply.status).toBe(500);
      expect(reply.text).not.toMatch(/secret/);
    }
  });
});

describe('the access log', () => {
  test('has one entry for each request, with the pattern of the route', async () => {
    await using app = await startApp(fakeValidator(runs));
    await app.ask('/v1/consensus/scores/run-7?family=general_chat');
    await app.ask('/no/such/path');
    await app.ask('/livez', { method: 'POST' });
    expect(app.logged).toMatchObject([
      {
        method: 'GET',
        target: '/v1/consensus/scores/run-7?family=general_chat',
        route: '/v1/consensus/scores/:run_id',
        status: 200,
        remote: '127.0.0.1',
        aborted: false,
        error: null,
      },
      { route: 'unknown', target: '/no/such/path', status: 404 },
      { route: '/livez', method: 'POST', status: 405 },
    ]);
    expect(app.logged[0]?.durationMs).toBeGreaterThan(0);
  });

  test('is cut where a client makes it long', async () => {
    await using app = await startApp(fakeValidator());
    await app.ask(`/${'a'.repeat(5_000)}?${'b'.repeat(2_000)}`);
    expect(app.logged[0]?.target).toHaveLength(256);
  });

  test('tells of a client that left before its answer', async () => {
    const asked = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    await using app = await startApp(
      fakeValidator(
        {},
        {
          status: async () => {
            asked.resolve();
            await left.promise;
            throw new Error('nobody reads this');
          },
          log: () => left.resolve(),
        },
      ),
    );
    const { hostname, port } = new URL(app.url);
    const socket = connect(Number(port), hostname);
    socket.write('GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n');
    await asked.promise;
    socket.destroy();
    await once(socket, 'close');
    await left.promise;
    expect(app.logged[0]).toMatchObject({ route: '/v1/status', aborted: true });
  });
});

test('many parallel requests of every kind each get their own answer', async () => {
  await using app = await startApp(fakeValidator(runs));
  const cases = [
    ['/v1/consensus/scores/run-7', 200],
    ['/v1/consensus/scores/run-8', 404],
    ['/v1/consensus/scores/run-07', 400],
    ['/v1/consensus/reports/run-7?view=index', 200],
    ['/v1/status', 200],
    ['/nothing', 404],
  ] as const;
  const report = held.reports[0]?.bytes;
  const replies = await Promise.all(
    Array.from({ length: 300 }, async (_, index) => {
      const [path, status] = cases[index % cases.length] ?? cases[0];
      return { path, status, reply: await app.ask(path) };
    }),
  );
  for (const { path, status, reply } of replies) {
    expect([path, reply.status]).toEqual([path, status]);
    if (path === '/v1/consensus/scores/run-7') expect(reply.body).toEqual(report);
    if (status >= 400) expect(reply.json()).toMatchObject({ instance: path });
  }
  expect(app.logged).toHaveLength(300);
});
