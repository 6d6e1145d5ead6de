import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSs58, verifySr25519 } from '#src/chain/hotkey.ts';
import {
  canonicalRequest,
  type HttpRequest,
  REPLAY_MEMORY_MS,
  REQUEST_TTL_MS,
  type RequestHeaders,
  signRequest,
  verifyRequest,
} from '#src/consensus/signed-request.ts';
import { devSigner } from '../support/dev-keys.ts';

/** A request that the Python client signed under the public development key //Alice. */
const KNOWN = {
  request: {
    method: 'POST',
    url: new URL('http://owner.example:8000/v1/families/general_chat/tasks/claim'),
    body: Buffer.from('{"batch_size": 1}'),
  },
  headers: {
    'x-hotkey': '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY',
    'x-signature':
      '0x0c6e626815472bd36d66f2ccf0b6143a8885e90239bfc6397d083a8a1eab2100dcb15aa19c9c5b776b5429ad1fd6655c849a80d1e22fa126cd7e97f09618ed89',
    'x-timestamp': '2026-05-15T14:04:11.123456+00:00',
  },
  message:
    'POST/v1/families/general_chat/tasks/claim11ed8e9ba95c94ab9aeafedc04fb730c5391bf9894a761148330a5fff65532c62026-05-15T14:04:11.123456+00:00',
};
const SENT_MS = Date.parse('2026-05-15T14:04:11.123Z');

const signer = devSigner('a validator');
const stamp = { timestamp: '2026-05-15T14:04:11.123Z', requestId: 'one' };

/** A store that remembers for ever, as a small test may. */
function receiver(nowMs = SENT_MS) {
  const seen = new Set<string>();
  const firstUse = (key: string): boolean => seen.size < seen.add(key).size;
  return { seen, nowMs, verify: verifySr25519, isHotkey: isSs58, firstUse };
}

function request(method: string, target: string, body = ''): HttpRequest {
  return { method, url: new URL(target, 'http://owner.example'), body: Buffer.from(body) };
}

/** Headers as a server sees them. */
function sent(from: HttpRequest, over = stamp): RequestHeaders {
  const headers = Object.entries(signRequest(signer, from, over));
  return Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
}

const accepted = { ok: true, hotkey: signer.hotkey };
const refused = (detail: string, status = 401) => ({ ok: false, status, detail });

describe('the message that is signed', () => {
  test("is the Python client's for its request, whose signature verifies", () => {
    const bytes = canonicalRequest(KNOWN.request, KNOWN.headers['x-timestamp']);
    expect(Buffer.from(bytes ?? []).toString()).toBe(KNOWN.message);
    expect(verifyRequest(KNOWN.headers, KNOWN.request, receiver())).toEqual({
      ok: true,
      hotkey: KNOWN.headers['x-hotkey'],
    });
  });

  test('has the path decoded, and no query', () => {
    const bytes = canonicalRequest(request('get', '/v1/a%20b/%C3%A9?job_id=1#top'), 'T');
    const noBody = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    expect(Buffer.from(bytes ?? []).toString()).toBe(`GET/v1/a b/é${noBody}T`);
    const job = canonicalRequest(request('GET', '/v1/jobs/task-eval%3Dt%3Bdeployment%3Dd/é'), 'T');
    expect(Buffer.from(job ?? []).toString()).toBe(
      `GET/v1/jobs/task-eval=t;deployment=d/é${noBody}T`,
    );
  });

  test.each(['/a%3Fb', '/a%23b', '/a%0Ab', '/a%00', '/a%7F', '/%ff', '/%E0%A4'])(
    'does not exist for the path %s, which receivers read in different ways',
    (path) => {
      expect(canonicalRequest(request('GET', path), stamp.timestamp)).toBeNull();
      expect(() => signRequest(signer, request('GET', path), stamp)).toThrow('input.invalid');
      const headers = sent(request('GET', '/'));
      expect(verifyRequest(headers, request('GET', path), receiver())).toEqual(
        refused('invalid signature'),
      );
    },
  );

  test('does not exist for a method that is none, and is not signed at no known time', () => {
    expect(canonicalRequest(request('GET/', '/'), stamp.timestamp)).toBeNull();
    const timeless = { ...stamp, timestamp: '2026-05-15T14:04:11' };
    expect(() => signRequest(signer, request('GET', '/'), timeless)).toThrow('input.invalid');
  });
});

describe('a request that was signed', () => {
  test('verifies, whatever its method, path, query and body', () => {
    const segment = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
    const paths = fc
      .array(segment, { maxLength: 4 })
      .map((parts) => `/${parts.map(encodeURIComponent).join('/')}`)
      .filter((path) => canonicalRequest(request('GET', path), '') !== null);
    const methods = fc.constantFrom('GET', 'post', 'PUT', 'DELETE');
    fc.assert(
      fc.property(
        methods,
        paths,
        fc.webQueryParameters(),
        fc.string(),
        (method, path, query, body) => {
          const whole = request(method, `${path}?${query}`, body);
          expect(verifyRequest(sent(whole), whole, receiver())).toEqual(accepted);
        },
      ),
    );
  });

  test.each<[string, HttpRequest]>([
    ['method', request('PUT', '/a/b', 'body')],
    ['path', request('POST', '/a/c', 'body')],
    ['path by one slash', request('POST', '/a/b/', 'body')],
    ['body', request('POST', '/a/b', 'body ')],
  ])('does not verify with another %s', (_what, other) => {
    const headers = sent(request('POST', '/a/b', 'body'));
    expect(verifyRequest(headers, request('POST', '/a/b', 'body'), receiver())).toEqual(accepted);
    expect(verifyRequest(headers, other, receiver())).toEqual(refused('invalid signature'));
  });

  test('does not verify with another time or hotkey', () => {
    const whole = request('POST', '/a');
    for (const change of [
      { 'x-timestamp': '2026-05-15T14:04:11.124Z' },
      { 'x-hotkey': KNOWN.headers['x-hotkey'] },
    ])
      expect(verifyRequest({ ...sent(whole), ...change }, whole, receiver())).toEqual(
        refused('invalid signature'),
      );
  });

  test('does not verify over the <Bytes> form of its message', () => {
    const whole = request('POST', '/a');
    const message = Buffer.from(canonicalRequest(whole, stamp.timestamp) ?? []).toString();
    const wrapped = signer.sign(Buffer.from(`<Bytes>${message}</Bytes>`));
    expect(
      verifyRequest({ ...sent(whole), 'x-signature': `0x${wrapped}` }, whole, receiver()),
    ).toEqual(refused('invalid signature'));
  });
});

describe('what is wrong is told in the order of the services', () => {
  const whole = request('POST', '/a');
  const good = sent(whole);
  const stale = { ...good, 'x-timestamp': '2026-05-15T14:02:00Z' };

  test.each<[string, RequestHeaders]>([
    ['missing signature headers', { ...good, 'x-hotkey': undefined, 'x-timestamp': 'never' }],
    ['missing signature headers', { ...good, 'x-signature': '' }],
    ['missing signature headers', { ...good, 'x-timestamp': ['a', 'b'] }],
    ['invalid timestamp', { ...good, 'x-timestamp': 'never', 'x-hotkey': 'nobody' }],
    ['invalid timestamp', { ...good, 'x-timestamp': '2026-05-15T14:04:11' }],
    ['stale timestamp', { ...stale, 'x-hotkey': 'nobody' }],
    ['invalid hotkey', { ...good, 'x-hotkey': 'nobody', 'x-signature': '0x' }],
    ['invalid hotkey', { ...good, 'x-hotkey': `${signer.hotkey.slice(0, -1)}1` }],
    ['invalid signature', { ...good, 'x-signature': 'zz' }],
    ['invalid signature', { ...good, 'x-signature': String(good['x-signature']).slice(2) }],
    ['invalid signature', { ...good, 'x-signature': `${String(good['x-signature'])}00` }],
  ])('%s', (detail, headers) => {
    expect(verifyRequest(headers, whole, receiver())).toEqual(refused(detail));
  });

  test('a request is fresh for one minute to either side', () => {
    for (const [offset, check] of [
      [REQUEST_TTL_MS, accepted],
      [-REQUEST_TTL_MS, accepted],
      [REQUEST_TTL_MS + 1, refused('stale timestamp')],
      [-REQUEST_TTL_MS - 1, refused('stale timestamp')],
    ] as const)
      expect(verifyRequest(good, whole, receiver(SENT_MS + offset))).toEqual(check);
  });
});

test('a request dated ahead passes for as long as it has to be remembered, and no longer', () => {
  const whole = request('POST', '/a');
  const first = SENT_MS - REQUEST_TTL_MS;
  for (const [age, check] of [
    [0, accepted],
    [REPLAY_MEMORY_MS, accepted],
    [REPLAY_MEMORY_MS + 1, refused('stale timestamp')],
  ] as const)
    expect(verifyRequest(sent(whole), whole, receiver(first + age))).toEqual(check);
});

describe('a second time', () => {
  const replayed = refused('replayed request', 409);
  const post = request('POST', '/a', '1');

  test('a request is refused, and so is another one under its id', () => {
    const to = receiver();
    const headers = sent(post);
    expect(verifyRequest(headers, post, to)).toEqual(accepted);
    expect(verifyRequest(headers, post, to)).toEqual(replayed);
    const other = request('POST', '/b', '2');
    expect(verifyRequest(sent(other), other, to)).toEqual(replayed);
    expect(verifyRequest(sent(other, { ...stamp, requestId: 'two' }), other, to)).toEqual(accepted);
  });

  test('a captured request is refused under a new id, and without any', () => {
    const to = receiver();
    const headers = sent(post);
    expect(verifyRequest(headers, post, to)).toEqual(accepted);
    for (const id of ['two', undefined])
      expect(verifyRequest({ ...headers, 'x-request-id': id }, post, to)).toEqual(replayed);
  });

  test('reading does no harm', () => {
    const to = receiver();
    for (const method of ['GET', 'head', 'OPTIONS']) {
      const read = request(method, '/a');
      const headers = sent(read);
      for (const _ of [1, 2]) expect(verifyRequest(headers, read, to)).toEqual(accepted);
    }
    expect(to.seen.size).toBe(0);
  });

  test('what does not verify is not remembered', () => {
    const to = receiver();
    expect(verifyRequest({ ...sent(post), 'x-signature': '0x' }, post, to)).toMatchObject({
      ok: false,
    });
    expect(to.seen.size).toBe(0);
  });
});

test('no header makes verification throw', () => {
  const text = fc.oneof(fc.string(), fc.constant(undefined), fc.array(fc.string()));
  const headers = fc.record({
    'x-hotkey': fc.oneof(text, fc.constant(signer.hotkey)),
    'x-signature': text,
    'x-timestamp': fc.oneof(text, fc.constant(stamp.timestamp)),
    'x-request-id': text,
  });
  fc.assert(
    fc.property(headers, (given) => {
      expect(verifyRequest(given, request('POST', '/a'), receiver())).toMatchObject({ ok: false });
    }),
  );
});
