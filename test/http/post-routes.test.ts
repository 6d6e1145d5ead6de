import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { sha256 } from '#src/events/hash.ts';
import { createApp } from '#src/http/app.ts';
import type { RequestLog } from '#src/http/log-requests.ts';
import type { AddCheckpointAnswer } from '#src/http/post-add-checkpoint.ts';
import type { EvidenceAnswer } from '#src/http/post-evidence.ts';
import { listen } from '../support/hostile-servers.ts';
import { type Reply, startApp, type TestApp } from './client.ts';
import { evidence, evidenceFile, fakeValidator } from './fake-validator.ts';

const EVIDENCE = '/v1/evidence';
const WITNESS = '/witness/add-checkpoint';
const MAX_BODY_BYTES = 65_536;

const json = { 'content-type': 'application/json' };

function post(
  app: TestApp,
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string> = json,
): Promise<Reply> {
  return app.ask(path, { method: 'POST', body, headers });
}

describe('evidence', () => {
  test('that is new is recorded, once, and told where it is', async () => {
    const offered: string[] = [];
    const offerEvidence = async (file: Uint8Array): Promise<EvidenceAnswer> => {
      const digest = sha256(file);
      const kind = offered.includes(digest) ? 'known' : 'accepted';
      offered.push(digest);
      return { kind, digest };
    };
    await using app = await startApp(fakeValidator({}, { offerEvidence }));
    for (const [status, known] of [
      [201, 'accepted'],
      [200, 'known'],
    ] as const) {
      const reply = await post(app, EVIDENCE, evidence.bytes);
      expect(reply.status).toBe(status);
      expect(reply.headers).toMatchObject({
        location: `/v1/evidence/${evidence.digest}`,
        'cache-control': 'no-store',
        'access-control-allow-origin': '*',
      });
      expect(reply.json()).toEqual({ digest: evidence.digest, status: known });
    }
  });

  test('that proves nothing is refused with the reason', async () => {
    const offerEvidence = async (): Promise<EvidenceAnswer> => ({
      kind: 'refused',
      reason: 'signature',
      detail: 'The second report is not signed by its hotkey.',
    });
    await using app = await startApp(fakeValidator({}, { offerEvidence }));
    const reply = await post(app, EVIDENCE, 'anything at all');
    expect([reply.status, reply.json()]).toMatchObject([
      422,
      { reason: 'signature', detail: 'The second report is not signed by its hotkey.' },
    ]);
  });

  test('that can not be verified now is to be sent again', async () => {
    await using app = await startApp(
      fakeValidator({}, { offerEvidence: async () => ({ kind: 'busy' }) }),
    );
    const reply = await post(app, EVIDENCE, evidence.bytes);
    expect([reply.status, reply.headers['retry-after']]).toEqual([429, '12']);
  });

  test('is listed by digest, hotkey and kind, and given as the very bytes that were accepted', async () => {
    await using app = await startApp(fakeValidator());
    for (const path of [EVIDENCE, `${EVIDENCE}?view=index`]) {
      expect((await app.ask(path)).json()).toMatchObject({
        evidence: [{ digest: evidence.digest, kind: 'report' }],
      });
    }
    const file = await app.ask(`${EVIDENCE}/${evidence.digest}`);
    expect(file.body).toEqual(evidence.bytes);
    expect(file.headers['cache-control']).toContain('immutable');
    expect((await app.ask(`${EVIDENCE}/${'0'.repeat(64)}`)).status).toBe(404);
    const upper = evidence.digest.toUpperCase();
    for (const digest of [upper, 'x', `${evidence.digest}0`, '%2e%2e', '..%2fx']) {
      expect((await app.ask(`${EVIDENCE}/${digest}`)).json()).toMatchObject({
        status: 400,
        field: 'digest',
      });
    }
    expect((await app.ask(`${EVIDENCE}?view=all`)).status).toBe(400);
  });
});

describe('a request to cosign', () => {
  test('is answered as C2SP tlog-witness asks, whatever the type of its body', async () => {
    const lines = '— witness.example AAAAAAA=\n';
    const cases: [AddCheckpointAnswer, number, string, string | RegExp][] = [
      [{ kind: 'cosigned', lines }, 200, 'text/plain; charset=utf-8', lines],
      [{ kind: 'refused', refusal: { status: 409, size: 7 } }, 409, 'text/x.tlog.size', '7\n'],
      ...([400, 403, 404, 422] as const).map(
        (status): [AddCheckpointAnswer, number, string, RegExp] => [
          { kind: 'refused', refusal: { status, detail: 'the reason' } },
          status,
          'application/problem+json',
          /the reason/,
        ],
      ),
    ];
    for (const [answer, status, type, text] of cases) {
      const bodies: string[] = [];
      const addCheckpoint = async (body: Uint8Array): Promise<AddCheckpointAnswer> => {
        bodies.push(Buffer.from(body).toString());
        return answer;
      };
      await using app = await startApp(fakeValidator({}, { addCheckpoint }));
      for (const headers of [{}, { 'content-type': 'application/x-www-form-urlencoded' }]) {
        const reply = await post(app, WITNESS, 'old 0\n\nnote\n', headers);
        expect([reply.status, reply.headers['content-type']]).toEqual([status, type]);
        expect(reply.text).toMatch(text);
        expect(reply.headers['access-control-allow-origin']).toBe('*');
      }
      expect(bodies).toEqual(['old 0\n\nnote\n', 'old 0\n\nnote\n']);
    }
  });

  test('leaves a checkpoint that readers find by the hash of its origin', async () => {
    const witnessedCheckpoint = async (hash: string) =>
      hash === sha256('origin') ? Buffer.from('note\n') : null;
    await using app = await startApp(fakeValidator({}, { witnessedCheckpoint }));
    const reply = await app.ask(`/witness/${sha256('origin')}/checkpoint`);
    expect(reply).toMatchObject({ status: 200, text: 'note\n' });
    expect(reply.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'public, no-cache',
    });
    const other = await app.ask(`/witness/${sha256('other')}/checkpoint`);
    expect([other.status, other.json()]).toMatchObject([404, { reason: 'not-witnessed' }]);
    for (const hash of ['x', sha256('origin').toUpperCase(), '..%2f..', '%00']) {
      expect((await app.ask(`/witness/${hash}/checkpoint`)).status).toBe(400);
    }
  });
});

/** Both routes, with everything that reaches what decides. */
function recording() {
  const taken: Uint8Array[] = [];
  const logged: RequestLog[] = [];
  const deps = fakeValidator(
    {},
    {
      offerEvidence: async (file) => {
        taken.push(file);
        return { kind: 'accepted', digest: sha256(file) };
      },
      addCheckpoint: async (body) => {
        taken.push(body);
        return { kind: 'cosigned', lines: '— w AAAAAAA=\n' };
      },
      log: (entry) => logged.push(entry),
    },
  );
  return { taken, logged, deps };
}

describe('a body', () => {
  test('is taken up to the last byte of the limit and not one further, announced or in chunks', async () => {
    for (const path of [EVIDENCE, WITNESS]) {
      for (const size of [0, 1, 4_096, 4_097, MAX_BODY_BYTES - 1, MAX_BODY_BYTES]) {
        const { taken, deps } = recording();
        await using app = await startApp(deps);
        const body = Buffer.alloc(size, 'x');
        const chunked = { ...json, 'transfer-encoding': 'chunked' };
        await post(app, path, body);
        await post(app, path, body, chunked);
        expect(taken).toEqual([body, body]);
      }
      const { taken, deps } = recording();
      await using app = await startApp(deps);
      for (const framing of [{}, { 'transfer-encoding': 'chunked' }]) {
        const body = Buffer.alloc(MAX_BODY_BYTES + 1, 'x');
        const reply = await post(app, path, body, { ...json, ...framing });
        expect([reply.status, reply.headers['connection']]).toEqual([413, 'close']);
        expect(reply.json()).toMatchObject({ detail: 'At most 65536 bytes are taken.' });
      }
      expect(taken).toEqual([]);
    }
  });

  test('of chunks of one byte each is whole in the end', async () => {
    const { taken, deps } = recording();
    await using app = await startApp(deps);
    const { socket, text } = open(app.url);
    socket.write(`POST ${WITNESS} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
    socket.write('1\r\nx\r\n'.repeat(20_000));
    socket.write('0\r\n\r\n');
    await expect.poll(() => text()).toMatch(/^HTTP\/1\.1 200 /);
    expect(taken).toEqual([Buffer.alloc(20_000, 'x')]);
    socket.destroy();
  });

  test('without end, of whatever framing, is cut at the limit and its connection with it', async () => {
    const { taken, deps } = recording();
    await using app = await startApp(deps);
    for (const [framing, unit] of [
      ['Content-Length: 1073741824', Buffer.alloc(65_536)],
      ['Transfer-Encoding: chunked', Buffer.from(`1000\r\n${'x'.repeat(4_096)}\r\n`.repeat(4))],
    ] as const) {
      const { socket } = open(app.url);
      socket.write(`POST ${WITNESS} HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n`);
      const pump = (): void => {
        while (!socket.destroyed && socket.write(unit));
      };
      socket.on('drain', pump);
      pump();
      await new Promise((resolve) => socket.once('close', resolve)); // `once` takes a reset for a failure
      expect(socket.bytesWritten).toBeLessThan(64 * 1024 * 1024);
    }
    expect(taken).toEqual([]);
    expect(app.logged.map(({ status }) => status)).toEqual([413, 413]);
  });

  test('that dribbles in is cut off, and one whose sender leaves is forgotten; neither is a fault', async () => {
    const { taken, logged, deps } = recording();
    const limits = { requestTimeout: 300, headersTimeout: 300, connectionsCheckingInterval: 50 };
    await using server = await listen(createServer(limits, createApp(deps)));
    const dribbling = open(server.url);
    const leaving = open(server.url);
    for (const { socket } of [dribbling, leaving]) {
      socket.write(`POST ${WITNESS} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc`);
    }
    leaving.socket.end();
    await once(dribbling.socket, 'close');
    expect(dribbling.text()).toMatch(/^HTTP\/1\.1 408 /);
    await expect.poll(() => logged.length).toBe(2);
    expect(logged).toMatchObject([
      { aborted: true, error: null },
      { aborted: true, error: null },
    ]);
    expect(taken).toEqual([]);
  });

  test('of another type, or compressed, is refused unread', async () => {
    const { taken, deps } = recording();
    await using app = await startApp(deps);
    for (const headers of [
      { 'content-type': 'text/html' },
      { 'content-type': 'application/jsonp' },
      { 'content-type': 'multipart/form-data; boundary=x' },
      { ...json, 'content-encoding': 'gzip' },
    ]) {
      const reply = await post(app, EVIDENCE, '{}', headers);
      expect([headers, reply.status]).toEqual([headers, 415]);
      expect(reply.json()).toMatchObject({ expected: 'application/json' });
    }
    expect((await post(app, WITNESS, 'x', { 'content-encoding': 'br' })).status).toBe(415);
    expect(taken).toEqual([]);
    for (const headers of [{}, { 'content-type': 'Application/JSON ; charset=utf-8' }]) {
      expect((await post(app, EVIDENCE, '{}', headers)).status).toBe(201);
    }
  });

  test('comes with a query that is parsed as strictly as any', async () => {
    const { taken, deps } = recording();
    await using app = await startApp(deps);
    for (const path of [EVIDENCE, WITNESS]) {
      expect((await post(app, `${path}?view=index`, '{}')).status).toBe(400);
    }
    expect(taken).toEqual([]);
  });

  test('that makes what decides fail is a fault of ours', async () => {
    const fail = async (): Promise<never> => {
      throw new Error('the disk');
    };
    await using app = await startApp(
      fakeValidator({}, { offerEvidence: fail, addCheckpoint: fail }),
    );
    for (const path of [EVIDENCE, WITNESS]) {
      const reply = await post(app, path, '{}');
      expect([reply.status, reply.text.includes('disk')]).toEqual([500, false]);
    }
  });
});

describe('a flood', () => {
  test('from one address reaches what decides no more often than it may; everything else is served', async () => {
    for (const [path, burst, perSecond] of [
      [EVIDENCE, 20, 2],
      [WITNESS, 40, 20],
    ] as const) {
      const { taken, deps } = recording();
      await using app = await startApp(deps);
      const start = performance.now();
      const replies = await Promise.all(
        Array.from({ length: 400 }, (_, index) =>
          post(app, path, evidenceFile(`bogus ${index}`).bytes),
        ),
      );
      const seconds = (performance.now() - start) / 1_000;
      expect(taken.length).toBeLessThanOrEqual(burst + Math.ceil(seconds * perSecond));
      const refused = replies.filter(({ status }) => status === 429);
      expect(refused).toHaveLength(400 - taken.length);
      for (const { headers } of refused) expect(Number(headers['retry-after'])).toBe(1);
      expect((await app.ask('/livez')).status).toBe(200);
      expect((await app.ask('/log/checkpoint')).status).toBe(200);
    }
  });

  test('of bodies that never come whole holds no memory to speak of, and no place of anybody else', async () => {
    const { taken, deps } = recording();
    await using app = await startApp(deps);
    const beforeBytes = process.memoryUsage.rss();
    const sockets = Array.from({ length: 300 }, () => open(app.url).socket);
    for (const socket of sockets) {
      socket.write(`POST ${WITNESS} HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\nabc`);
    }
    await expect.poll(() => app.logged.length).toBeGreaterThanOrEqual(300 - 40 - 20);
    expect(process.memoryUsage.rss() - beforeBytes).toBeLessThan(64 * 1024 * 1024);
    expect((await app.ask('/v1/status')).status).toBe(200);
    expect((await post(app, EVIDENCE, '{}')).status).toBe(201);
    expect(taken).toHaveLength(1);
    for (const socket of sockets) socket.destroy();
  });
});

/** A bare connection, with what came back so far. */
function open(url: string): { socket: Socket; text: () => string } {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let received = '';
  socket.on('error', () => undefined); // a reset is one of the ways in which the server may end a connection
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  return { socket, text: () => received };
}
