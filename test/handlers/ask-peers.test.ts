import { expect, test } from 'vitest';
import { encodeBytes } from '#src/events/ej1.ts';
import {
  askEach,
  askPeer,
  type Fetched,
  type Peer,
  peersOf,
  readAnswer,
} from '#src/handlers/ask-peers.ts';
import { misdeedOf } from '#src/handlers/misdeeds.ts';
import { hotkeyOf } from '../consensus/fake-keys.ts';

const peer: Peer = { hotkey: hotkeyOf('peer'), axon: 'http://peer.test' };
const never = new AbortController().signal;

function peers(count: number): readonly Peer[] {
  return Array.from({ length: count }, (_, index) => ({
    hotkey: hotkeyOf(`p${index + 1}x`),
    axon: `http://p${index + 1}.test`,
  }));
}

test('everybody with an axon is asked, but not ourselves', () => {
  const voter = (name: string, axon: string | null) => ({
    hotkey: hotkeyOf(name),
    coldkey: hotkeyOf(`funds${name}`),
    uid: 1,
    stake: '1',
    axon,
  });
  const voters = [voter('a', 'http://a.test'), voter('b', null), voter('c', 'http://c.test')];
  expect(peersOf(voters, hotkeyOf('c'))).toEqual([
    { hotkey: hotkeyOf('a'), axon: 'http://a.test' },
  ]);
});

test('a slow peer takes one place: all others are asked meanwhile', async () => {
  const all = peers(40);
  const gone: string[] = [];
  const slow = Promise.withResolvers<string>();
  const results = askEach(
    all,
    async ({ axon }) => {
      if (axon === all[3]?.axon) return slow.promise;
      gone.push(axon);
      if (gone.length === 39) slow.resolve('at last');
      return axon;
    },
    { signal: never },
  );
  // It settles only if the slow one held nobody up.
  expect(await results).toEqual(all.map(({ axon }, index) => (index === 3 ? 'at last' : axon)));
});

test('sixteen peers at a time', async () => {
  let [now, most] = [0, 0];
  await askEach(
    peers(50),
    async () => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
    },
    { signal: never },
  );
  expect(most).toBe(16);
});

test('a peer that has had its time is given up, for all that it is asked', async () => {
  const times: AbortController[] = [];
  const patience = () => {
    const time = new AbortController();
    times.push(time);
    return time.signal;
  };
  const stalling = (signal: AbortSignal) =>
    new Promise<string>((resolve) => {
      signal.addEventListener('abort', () => resolve('given up'));
    });
  const results = askEach(
    peers(17),
    async ({ axon }, signal) => (axon === 'http://p17.test' ? 'answered' : stalling(signal)),
    { signal: never, patience },
  );
  expect(times).toHaveLength(16);
  times[5]?.abort();
  // The place that came free went to the seventeenth; the others still wait for their time.
  await new Promise((resolve) => setImmediate(resolve));
  expect(times).toHaveLength(17);
  for (const time of times) time.abort();
  expect(await results).toEqual([...Array.from({ length: 16 }, () => 'given up'), 'answered']);
});

test('an abort gives all of them up', async () => {
  const stop = new AbortController();
  const results = askEach(
    peers(3),
    async (_peer, signal) => {
      stop.abort();
      return signal.aborted;
    },
    { signal: stop.signal },
  );
  expect(await results).toEqual([true, true, true]);
});

const okay = (status: number, text = ''): Fetched => ({
  kind: 'ok',
  status,
  body: Buffer.from(text),
});

test.for<readonly [string, Fetched, unknown]>([
  ['200', okay(200, '{}'), { kind: 'body', body: Buffer.from('{}') }],
  ['404', okay(404), { kind: 'not-yet' }],
  ['425', okay(425), { kind: 'not-yet' }],
  ['our own giving up', { kind: 'refused', reason: 'aborted', detail: '' }, { kind: 'not-yet' }],
  ['our own queue', { kind: 'refused', reason: 'peer-busy', detail: '' }, { kind: 'not-yet' }],
  [
    '500',
    okay(500),
    {
      kind: 'misdeed',
      misdeed: { peer: peer.hotkey, reason: 'status', detail: 'HTTP status 500', digest: null },
    },
  ],
  [
    'a redirect',
    { kind: 'refused', reason: 'redirected', detail: 'to elsewhere' },
    {
      kind: 'misdeed',
      misdeed: { peer: peer.hotkey, reason: 'redirected', detail: 'to elsewhere', digest: null },
    },
  ],
])('an answer of %s', async ([, fetched, expected]) => {
  const asked: unknown[] = [];
  const fetch = (url: string, options: unknown) => {
    asked.push(url, options);
    return Promise.resolve(fetched);
  };
  expect(await askPeer(peer, '/v1/x', { fetch, maxBytes: 9, signal: never })).toEqual(expected);
  expect(asked).toEqual(['http://peer.test/v1/x', { maxBytes: 9, signal: never }]);
});

test('what is told of a peer fits an event, wherever it is cut', () => {
  for (const length of [0, 398, 399, 400, 1_000]) {
    const { detail } = misdeedOf('x', 'status', `${'x'.repeat(length)}\u{1f600}`);
    expect(detail.length).toBeLessThanOrEqual(400);
    expect(() => encodeBytes(detail)).not.toThrow();
  }
});

test('a document that is not canonical, or of another form, is a misdeed', () => {
  const read = (text: string) =>
    readAnswer(peer, Buffer.from(text), (json) => (json === 7 ? json : null));
  expect(read('7')).toEqual({ kind: 'value', value: 7 });
  expect(read('8')).toMatchObject({ kind: 'misdeed', misdeed: { reason: 'schema' } });
  expect(read('7 ')).toMatchObject({ kind: 'misdeed', misdeed: { reason: 'not-canonical' } });
});

test('those with the most stake are asked first, whatever the order of their hotkeys', () => {
  const voter = (hotkey: string, stake: string) => ({
    hotkey,
    coldkey: hotkey,
    uid: 1,
    stake,
    axon: `http://${hotkey}.test`,
  });
  const voters = [voter('a', '9'), voter('b', '10'), voter('c', '100'), voter('self', '50')];
  expect(peersOf(voters, 'self').map(({ hotkey }) => hotkey)).toEqual(['c', 'b', 'a']);
});
