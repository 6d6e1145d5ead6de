import { describe, expect, test } from 'vitest';
import { openConnection } from '#src/chain/connection.ts';
import type { Attempt, Connect } from '#src/chain/connection-session.ts';
import { prng } from '../support/prng.ts';
import { type VirtualClock, virtualClock } from '../support/virtual-clock.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const BLOCK_MS = 12_000;
const SEEDS = Array.from({ length: 60 }, (_, index) => `hour ${index}`);

/** What the node's side sees. */
type Seen = { handshakes: number[]; open: number; mostOpen: number; connectedMs: number };

type Behaviour = Readonly<{
  /** Whether a handshake at this time is refused, and how. */
  refuses: (now: number, random: () => number) => 'unreachable' | 'rate-limited' | null;
  /** How long a connection lasts. */
  lifetimeMs: (random: () => number) => number;
}>;

/** An endpoint that shows a block every 12 s while it is connected, and drops connections now and then. */
function endpoint(
  { refuses, lifetimeMs }: Behaviour,
  { clock, random, seen }: { clock: VirtualClock; random: () => number; seen: Seen },
): Connect {
  return async (order, signal): Promise<Attempt> => {
    seen.handshakes.push(clock.now());
    seen.open++;
    seen.mostOpen = Math.max(seen.open, seen.mostOpen);
    await clock.wait(20 + 200 * random(), signal);
    const kind = refuses(clock.now(), random);
    if (kind !== null) {
      seen.open--;
      return { kind: 'failed', failure: { kind, detail: 'refused', lastedMs: 0 } };
    }
    const dropped = new AbortController();
    signal.addEventListener('abort', () => dropped.abort(), { once: true });
    const since = clock.now();
    const show = async (): Promise<void> => {
      while (!dropped.signal.aborted) {
        const block = Math.floor(clock.now() / BLOCK_MS);
        order.onHead('best', block);
        order.onHead('finalized', block - 2);
        await clock.wait(BLOCK_MS, dropped.signal);
      }
    };
    const ended = Promise.race([
      show(),
      clock.wait(lifetimeMs(random), dropped.signal).then(() => dropped.abort()),
    ]).then(() => {
      seen.open--;
      seen.connectedMs += clock.now() - since;
      return 'dropped';
    });
    const session = { link: () => null, ended, end: () => dropped.abort() };
    return { kind: 'connected', session };
  };
}

async function live(hours: number, seed: string, behaviour: Behaviour): Promise<Seen> {
  const random = prng(seed);
  const clock = virtualClock(1_000 * HOUR_MS);
  const seen: Seen = { handshakes: [], open: 0, mostOpen: 0, connectedMs: 0 };
  const connection = openConnection(
    { endpoints: ['ws://node.example'], genesis: 'ab'.repeat(32) },
    {
      now: clock.now,
      wait: clock.wait,
      random,
      connect: endpoint(behaviour, { clock, random, seen }),
      signal: new AbortController().signal,
    },
  );
  await clock.pass(hours * HOUR_MS);
  expect(connection.state().handshakes).toBe(seen.handshakes.length);
  await connection[Symbol.asyncDispose]();
  expect(seen.open).toBe(0);
  return seen;
}

const half: Behaviour['refuses'] = (_now, random) => (random() < 0.5 ? 'unreachable' : null);
const nowAndThen = (meanMs: number) => (random: () => number) => -Math.log(1 - random()) * meanMs;

describe('an hour with an endpoint that refuses half the time', () => {
  const behaviours: readonly (readonly [string, Behaviour])[] = [
    [
      'drops connections every ten minutes',
      { refuses: half, lifetimeMs: nowAndThen(10 * MINUTE_MS) },
    ],
    ['drops connections every half minute', { refuses: half, lifetimeMs: nowAndThen(30_000) }],
    ['drops every connection at once', { refuses: half, lifetimeMs: () => 0 }],
    [
      'refuses every other ten minutes',
      {
        refuses: (now) => (Math.floor(now / (10 * MINUTE_MS)) % 2 === 0 ? 'unreachable' : null),
        lifetimeMs: nowAndThen(10 * MINUTE_MS),
      },
    ],
    [
      'refuses with HTTP 429',
      {
        refuses: (_now, random) => (random() < 0.5 ? 'rate-limited' : null),
        lifetimeMs: nowAndThen(10 * MINUTE_MS),
      },
    ],
    ['refuses always', { refuses: () => 'unreachable', lifetimeMs: () => 0 }],
  ];

  test.each(behaviours)(
    'and %s: one open connection and at most 20 handshakes',
    async (_name, behaviour) => {
      for (const seed of SEEDS) {
        const seen = await live(1, seed, behaviour);
        expect(seen.mostOpen, seed).toBe(1);
        expect(seen.handshakes.length, seed).toBeLessThanOrEqual(20);
      }
    },
  );

  test('it is connected for most of the time, if connections last ten minutes', async () => {
    const shares = [];
    for (const seed of SEEDS) {
      const { connectedMs } = await live(1, seed, {
        refuses: half,
        lifetimeMs: nowAndThen(10 * MINUTE_MS),
      });
      shares.push(connectedMs / HOUR_MS);
    }
    expect(shares.toSorted((a, b) => a - b)[SEEDS.length / 2]).toBeGreaterThan(0.8);
  });

  test('no hour of a day sees more than 20 handshakes', async () => {
    const behaviour = { refuses: half, lifetimeMs: nowAndThen(2 * MINUTE_MS) };
    for (const seed of SEEDS.slice(0, 3)) {
      const { handshakes } = await live(24, seed, behaviour);
      expect(handshakes.length).toBeGreaterThan(24);
      for (const start of handshakes) {
        const hour = handshakes.filter((at) => at >= start && at <= start + HOUR_MS);
        expect(hour.length).toBeLessThanOrEqual(20);
      }
    }
  });
});
