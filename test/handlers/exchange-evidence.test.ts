import { expect, test } from 'vitest';
import { encodeBytes } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import type { Fetch, Fetched, Peer, Post } from '#src/handlers/ask-peers.ts';
import { pullEvidence, relayEvidence } from '#src/handlers/exchange-evidence.ts';
import type { AcceptedEvidence } from '#src/projectors/evidence.ts';
import { hotkeyOf } from '../consensus/fake-keys.ts';

const [liar, rogue] = [hotkeyOf('L'), hotkeyOf('R')];
const peers: readonly Peer[] = ['a', 'b'].map((name) => ({
  hotkey: hotkeyOf(name.toUpperCase()),
  axon: `http://${name}.test`,
}));
const entry = (file: string, hotkey = liar, kind = 'report') => ({
  digest: sha256(file),
  hotkey,
  kind,
});
const ok = (body: Uint8Array): Fetched => ({ kind: 'ok', status: 200, body });
const missing: Fetched = { kind: 'ok', status: 404, body: new Uint8Array() };

/** Peers that list these entries and hold these files, by host. */
function network(
  hosts: Readonly<Record<string, { lists: readonly object[]; holds: readonly string[] }>>,
) {
  const asked: string[] = [];
  const fetch: Fetch = async (url) => {
    const { host, pathname, search } = new URL(url);
    asked.push(`${host}${pathname}`);
    const { lists, holds } = hosts[host] ?? { lists: [], holds: [] };
    if (search !== '') return ok(encodeBytes({ evidence: structuredClone(lists) as never }));
    const file = holds.find((each) => pathname.endsWith(sha256(each)));
    return file === undefined ? missing : ok(Buffer.from(file));
  };
  return { fetch, asked };
}

const pull = (fetch: Fetch, held: readonly AcceptedEvidence[] = []) =>
  pullEvidence(
    { peers, voters: new Set([liar, rogue]), held },
    { fetch, signal: AbortSignal.any([]) },
  );

test('what two peers hold is given once', async () => {
  const both = { lists: [entry('file 1')], holds: ['file 1'] };
  const { fetch } = network({ 'a.test': both, 'b.test': both });
  expect(await pull(fetch)).toEqual(['file 1']);
});

test('who lists what it does not give is asked for nothing more, and another one gives it', async () => {
  const { fetch, asked } = network({
    'a.test': { lists: [entry('file 1'), entry('file 2', rogue)], holds: ['file 2'] },
    'b.test': { lists: [entry('file 2', rogue), entry('file 1')], holds: ['file 1', 'file 2'] },
  });
  expect((await pull(fetch)).toSorted()).toEqual(['file 1', 'file 2']);
  expect(asked.filter((path) => path.startsWith('a.test'))).toHaveLength(2);
});

test('evidence of a kind that is held against a hotkey, and against strangers, is not fetched', async () => {
  const held = {
    family: 'f',
    run: 'run-1',
    kind: 'report',
    hotkey: liar,
    digest: sha256('held'),
  } as const;
  const lists = [entry('1'), entry('2', hotkeyOf('X')), entry('3', liar, 'checkpoint')];
  const { fetch } = network({ 'a.test': { lists, holds: ['1', '2', '3'] } });
  expect(await pull(fetch, [held])).toEqual(['3']);
});

test.each([
  ['no list', [{ digest: 'short', hotkey: liar, kind: 'report' }]],
  ['an unknown kind', [entry('1', liar, 'gossip')]],
  ['too much', Array.from({ length: 1_537 }, (_, index) => entry(`${index}`))],
])('an index with %s is not believed', async (_title, lists) => {
  const { fetch, asked } = network({ 'a.test': { lists, holds: ['1'] } });
  expect(await pull(fetch)).toEqual([]);
  expect(asked).toHaveLength(2);
});

test('one peer is asked for a few files a round', async () => {
  const files = Array.from({ length: 9 }, (_, index) => `file ${index}`);
  const lists = files.map((file, index) => entry(file, index % 2 === 0 ? liar : rogue));
  const { fetch } = network({ 'a.test': { lists, holds: files } });
  expect(await pull(fetch)).toHaveLength(4);
});

test('what is fresh is passed on to each peer, once there are any, and only then', async () => {
  const posts: string[] = [];
  const post: Post = async (url, body) => {
    posts.push(`${url} ${Buffer.from(body).toString()}`);
    return missing;
  };
  let fresh: readonly string[] = ['file 1', 'file 2'];
  const desk = {
    hasFresh: () => fresh.length > 0,
    takeFresh: () => {
      const taken = fresh;
      fresh = [];
      return taken;
    },
  };
  let askedForPeers = 0;
  const everybody = async (): Promise<readonly Peer[]> => {
    askedForPeers += 1;
    return askedForPeers === 1 ? [] : peers;
  };
  for (let round = 0; round < 4; round++)
    await relayEvidence(desk, everybody, { post, signal: AbortSignal.any([]) });
  expect(posts.toSorted()).toEqual(
    ['a', 'b'].flatMap((name) =>
      ['file 1', 'file 2'].map((file) => `http://${name}.test/v1/evidence ${file}`),
    ),
  );
  expect(askedForPeers).toBe(2);
});
