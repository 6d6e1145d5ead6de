import { describe, expect, test } from 'vitest';
import { FINNEY_GENESIS } from '#src/events/source.ts';
import { FAKE_GENESIS as GENESIS, startFakeNode as startNode } from '../support/fake-node.ts';
import { until } from '../support/live-until.ts';
import { connected, openChain } from '../support/open-chain.ts';
import { quietProcess } from '../support/quiet-process.ts';

const MINUTE_MS = 60_000;

/** Everything that is asked of a node before it serves. */
const CALLS_OF_A_START = [
  'chain_getBlockHash',
  'system_chain',
  'system_properties',
  'state_subscribeRuntimeVersion',
  'state_getRuntimeVersion',
  'state_call',
  'chain_subscribeNewHead',
  'chain_subscribeFinalizedHeads',
];

quietProcess();

describe('a node', () => {
  test.each([
    [
      'of another genesis',
      'chain_getBlockHash',
      `0x${'cd'.repeat(32)}`,
      /genesis hash, found: 0xcdcd/,
    ],
    [
      'with another address format',
      'system_properties',
      { ss58Format: 0 },
      /ss58 prefix, found: \[42,0\]/,
    ],
  ])('%s is refused and rests', async (_name, method, answer, reason) => {
    await using node = await startNode();
    node.answers.set(method, () => answer);
    await using connection = openChain([node.url], GENESIS);
    const [resting] = await until('the rest', () => {
      const { resting } = connection.state();
      return resting.length > 0 ? resting : null;
    });
    expect(connection.state().detail).toMatch(reason);
    expect(resting?.why).toMatch(reason);
    expect((resting?.until ?? 0) - performance.now()).toBeGreaterThan(9 * MINUTE_MS);
    expect(node.handshakes).toBe(1);
    await until('the closed socket', () => node.open === 0);
  });

  test('whose head is more than 10 blocks behind what is final is left', async () => {
    await using ahead = await startNode({ finalized: 1_000 });
    await using stale = await startNode({ finalized: 989 });
    await using connection = openChain([ahead.url, stale.url], GENESIS);
    await connected(connection, ahead.url);
    ahead.drop();
    await until('the stale node', () => stale.handshakes > 0);
    await connected(connection, ahead.url);
    expect(connection.told.map(({ lastError }) => lastError)).toContainEqual(
      expect.stringContaining('stale node: its finalised block is 989, 1000 is known to be final'),
    );
    expect(connection.told.filter(({ status }) => status === 'connected')).toHaveLength(2);
    expect(connection.head()).toEqual({ known: true, value: 1_000 });
  });

  test('that is a few blocks behind serves, and the head does not go back', async () => {
    await using ahead = await startNode({ finalized: 1_000 });
    await using behind = await startNode({ finalized: 995 });
    await using connection = openChain([ahead.url, behind.url], GENESIS);
    await connected(connection, ahead.url);
    ahead.drop();
    await connected(connection, behind.url);
    expect(connection.head()).toEqual({ known: true, value: 1_000 });
    behind.showHeads({ finalized: 1_001 });
    await until('the next head', () => {
      const head = connection.head();
      return head.known && head.value === 1_001;
    });
  });

  test('whose head leaps is left, and what it showed is not believed', async () => {
    await using node = await startNode({ finalized: 1_000 });
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    node.showHeads({ finalized: 101_001 });
    await until('the loss', () => connection.state().losses === 1);
    expect(connection.state().lastError).toMatch(
      /false node: its finalised block is 101001, 5\d{4} is the highest that can be final/,
    );
    expect(connection.head()).toEqual({ known: true, value: 1_000 });
  });

  test('that lies first is not believed once two others contradict it', async () => {
    await using liar = await startNode({ finalized: 4_000_000_000 });
    await using one = await startNode({ finalized: 1_000 });
    await using two = await startNode({ finalized: 1_001 });
    await using connection = openChain([liar.url, one.url, two.url], GENESIS);
    await connected(connection, liar.url);
    liar.drop();
    await connected(connection, two.url);
    expect(connection.head()).toEqual({ known: true, value: 1_001 });
  });

  test('of Finney whose head leaps by more than a few hundred blocks is left', async () => {
    await using node = await startNode({ finalized: 1_000 });
    node.answers.set('chain_getBlockHash', () => `0x${FINNEY_GENESIS}`);
    await using connection = openChain([node.url], FINNEY_GENESIS);
    await connected(connection);
    node.showHeads({ finalized: 2_000 });
    await until('the loss', () => connection.state().losses === 1);
    expect(connection.state().lastError).toMatch(/false node: .* 2000, 1600 is the highest/);
  });

  test.each([
    ['no JSON', '}{', /not JSON-RPC/],
    ['no JSON-RPC', '{"result": 1}', /not JSON-RPC/],
    ['no object', '"text"', /not JSON-RPC/],
    ['a notice for nobody', '{"jsonrpc":"2.0","method":"chain_newHead"}', /not JSON-RPC/],
    ['a head that is none', notice('chain_newHead', { number: 'ten' }), /makes no sense/],
    [
      'an endless head',
      notice('chain_finalizedHead', { number: `0x${'f'.repeat(16)}` }),
      /no sense/,
    ],
    ['a runtime that is none', notice('state_runtimeVersion', null), /makes no sense/],
  ])('that sends %s is left', async (_name, text, reason) => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    node.send(text);
    await until('the loss', () => connection.state().losses === 1);
    expect(connection.state().lastError).toMatch(reason);
    await connected(connection);
  });

  test.each([
    ['an answer that nobody asked for', '{"jsonrpc":"2.0","id":999,"result":1}'],
    ['a notice that nobody subscribed to', notice('foreign', 1)],
  ])('may send %s', async (_name, text) => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS);
    await connected(connection);
    node.send(text);
    const answer = await connection.withApi(({ call }) => call('system_chain', []));
    expect(answer).toEqual({ known: true, value: 'Fake' });
    expect(connection.state().losses).toBe(0);
  });

  test.each(CALLS_OF_A_START)('that goes away at %s is tried again', async (method) => {
    await using node = await startNode();
    node.answers.set(method, () => node.drop());
    await using connection = openChain([node.url], GENESIS);
    await until('the second attempt', () => node.handshakes >= 2);
    node.answers.clear();
    await connected(connection);
    expect(node.mostOpen).toBe(1);
  });

  test.each(CALLS_OF_A_START)('that answers %s with nonsense is no node', async (method) => {
    await using node = await startNode();
    node.answers.set(method, () => ['nonsense']);
    await using connection = openChain([node.url], GENESIS, { callTimeoutMs: 200 });
    await until('the second attempt', () => node.handshakes >= 2);
    expect(connection.told.some(({ status }) => status === 'connected')).toBe(false);
  });
});

describe('a silent socket', () => {
  test('is destroyed, and another endpoint serves', async () => {
    await using mute = await startNode();
    await using other = await startNode();
    await using connection = openChain([mute.url, other.url], GENESIS, { silenceMs: 300 });
    await connected(connection, mute.url);
    mute.muted = true;
    await connected(connection, other.url);
    await until('the closed socket', () => mute.open === 0);
    expect(connection.state().lastError).toContain('no new head for 0.3 s');
  });

  test('that shows the same head again and again is silent', async () => {
    await using node = await startNode();
    await using connection = openChain([node.url], GENESIS, { silenceMs: 300 });
    await connected(connection);
    await until('the loss', () => {
      node.showHeads({ best: 102, finalized: 100 });
      return connection.state().losses === 1;
    });
    expect(connection.state().lastError).toContain('no new head for 0.3 s');
  });
});

test('a stalled finality is no broken socket: the head is unknown until it advances', async () => {
  await using node = await startNode({ finalized: 100 });
  await using connection = openChain([node.url], GENESIS, { silenceMs: 1_000 });
  await connected(connection);
  let best = 102;
  const unknown = await until('an old head', () => {
    best++;
    node.showHeads({ best });
    const head = connection.head();
    return head.known ? null : head;
  });
  expect(unknown.reason).toBe('unavailable');
  expect(unknown.detail).toMatch(/^finality stands at block 100 for \d+ s; connected to ws:/);
  node.showHeads({ best: best + 1, finalized: best });
  await until('the next head', () => connection.head().known);
  expect(connection.head()).toEqual({ known: true, value: best });
  expect(connection.state()).toMatchObject({ status: 'connected', losses: 0 });
});

test('a finality that stands too long is looked for at another endpoint', async () => {
  const limits = { finalityPatienceMs: 300 };
  await using stuck = await startNode({ finalized: 100 });
  await using other = await startNode({ finalized: 101 });
  await using connection = openChain([stuck.url, other.url], GENESIS, limits);
  await connected(connection, other.url);
  expect(connection.state().lastError).toMatch(/finality stands for 0.3 s/);
});

function notice(method: string, result: unknown): string {
  const params = { subscription: `sub-${method}`, result };
  return JSON.stringify({ jsonrpc: '2.0', method, params });
}
