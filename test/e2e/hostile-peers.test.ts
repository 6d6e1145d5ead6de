import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { hotkeyOf, NETUID, type Running } from '#src/cli/subnet/cast.ts';
import { stakedNeurons } from '../support/live-chain.ts';
import { openHostilePeers } from '../support/live-hostile.ts';
import { eventsOf, readLog } from '../support/live-log.ts';
import { BLOCKS_TO_SET, type LiveRun, liveRun, measure, playTo } from '../support/live-run.ts';
import { decisionOf, type LiveSubnet, liveSubnet } from '../support/live-subnet.ts';
import { PROCESS_TEST_TIMEOUT_MS, until } from '../support/live-until.ts';

vi.setConfig({ testTimeout: PROCESS_TEST_TIMEOUT_MS, hookTimeout: PROCESS_TEST_TIMEOUT_MS });

/** v1 and v2 talk to this machine, where all peers are; v3 only to public addresses, as in production. */
const STAKES = { v1: 400n, v2: 350n, v3: 200n };
const QUALITY = [0.8, 0.7, 0.6, 0.5, 0.4, 0.3];

/** A peer that makes a validator wait must not make others wait for it; this is for a loaded machine. */
const ANSWER_WITHIN_MS = 5_000;

/** What a validator process takes, with room: far below what the peers send. */
const MAX_RESIDENT_BYTES = 400 * 1_024 * 1_024;

let run: LiveRun;
let hostile: Awaited<ReturnType<typeof openHostilePeers>>;
let subnet: LiveSubnet;
const seen = { answers: 0, residentBytes: 0 };

/** One run among all of them; the tests look at what came of it. */
beforeAll(async () => {
  hostile = await openHostilePeers(() => run, {
    genesis: () => subnet.chain.genesisHash,
    netuid: NETUID,
  });
  const axons = new Map(hostile.peers.map(({ name, axon }) => [name, axon]));
  const stakes = { ...STAKES, ...Object.fromEntries([...axons.keys()].map((name) => [name, 1n])) };
  subnet = await liveSubnet({
    validators: ['v1', 'v2', 'v3'],
    neurons: (honest) => stakedNeurons(stakes, new Map([...axons, ...honest])),
    envOf: { v3: { EIREL_PEER_ADDRESSES: 'public' } },
  });
  run = liveRun(1, subnet.chain.block());
  await measure(subnet, run, QUALITY);
  let over = false;
  const watched = until(
    'the run ends',
    async () => (await look()) && over,
    PROCESS_TEST_TIMEOUT_MS,
  );
  watched.catch(() => undefined); // awaited below
  try {
    await playTo(subnet, run.phases.certify + BLOCKS_TO_SET);
  } finally {
    over = true;
    await watched;
  }
});
afterAll(async () => {
  await subnet[Symbol.asyncDispose]();
  await hostile[Symbol.asyncDispose]();
});

/** Asks v1 what anybody may ask at any time, and how much memory it takes. */
async function look(): Promise<boolean> {
  const { url } = subnet.processOf('v1');
  for (const path of ['/livez', '/v1/status', '/metrics']) {
    const answer = await fetch(`${url}${path}`, {
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const text = await answer.text();
    expect(answer.status, path).toBe(200);
    const resident = /^process_resident_memory_bytes ([0-9.e+]+)$/m.exec(text)?.[1];
    seen.residentBytes = Math.max(seen.residentBytes, Number(resident ?? 0));
  }
  seen.answers++;
  return true;
}

/** Why each peer was refused, as one validator recorded it. */
async function refusals(name: Running): Promise<ReadonlyMap<string, readonly string[]>> {
  const rejected = eventsOf(await readLog(subnet.nats, name), 'peer-report.rejected.v1', run.run);
  const byPeer = Map.groupBy(rejected, ({ peer }) => peer);
  return new Map([...byPeer].map(([peer, of]) => [peer, of.map(({ reason }) => reason)]));
}

test('each hostile peer is refused for its own reason, and for no other', async () => {
  const expected = hostile.peers.map(({ name, reason }) => [name, [reason]]);
  for (const name of ['v1', 'v2'] as const) {
    const found = await refusals(name);
    const named = hostile.peers.map((peer) => [peer.name, found.get(hotkeyOf(peer.name))]);
    expect(Object.fromEntries(named)).toEqual(Object.fromEntries(expected));
    expect(found.size).toBe(hostile.peers.length);
  }
});

test('the honest validators decide with each other and certify it', async () => {
  const decisions = await Promise.all([
    decisionOf(subnet, 'v1', run.run),
    decisionOf(subnet, 'v2', run.run),
  ]);
  expect(decisions[0]).toContain('"kind":"winner"');
  expect(decisions[1]).toBe(decisions[0]);
  for (const name of ['v1', 'v2'] as const) {
    const log = await readLog(subnet.nats, name);
    const accepted = eventsOf(log, 'peer-report.accepted.v1', run.run);
    const others = Object.keys(STAKES).filter((other) => other !== name);
    expect(accepted.map(({ hotkey }) => hotkey).toSorted()).toEqual(
      others.map(hotkeyOf).toSorted(),
    );
    expect(eventsOf(log, 'certificate.built.v1', run.run)).toHaveLength(1);
  }
  expect(subnet.chain.weightsOf('v1')).toEqual([{ uid: 1, weight: 65_535 }]);
});

test('a redirect leads nowhere, and most of a gibibyte is never taken', () => {
  expect(hostile.trapped()).toBe(0);
  expect(hostile.endlessBytes()).toBeLessThan(256 * 1_024 * 1_024);
});

test('whoever asks the validator meanwhile is answered in time, from bounded memory', () => {
  expect(seen.answers).toBeGreaterThan(20);
  expect(seen.residentBytes).toBeGreaterThan(0);
  expect(seen.residentBytes).toBeLessThan(MAX_RESIDENT_BYTES);
});

test('outside a local subnet every address on this machine is refused', async () => {
  const found = await refusals('v3');
  expect(found.size).toBe(hostile.peers.length + 2);
  for (const [peer, reason] of found) expect(reason, peer).toEqual(['address-forbidden']);
  expect(found.get(hotkeyOf('v1'))).toEqual(['address-forbidden']);
});
