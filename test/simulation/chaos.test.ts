import { expect, test } from 'vitest';
import { digestOf } from '#src/consensus/outcome.ts';
import { mostLiving } from '../support/extrinsic-log.ts';
import { forgedReport } from '../support/forged-documents.ts';
import { prng } from '../support/prng.ts';
import type { Fault } from '../support/simulated-chain.ts';
import { body, status } from '../support/simulated-network.ts';
import {
  bringUp,
  crown,
  everybody,
  hostOf,
  measureRun,
  nodeOf,
  playBlocks,
  playRun,
  recordedOf,
  runInput,
  type Subnet,
  startSubnet,
  stopSubnet,
  takeDown,
} from '../support/simulated-run.ts';

const SEEDS = Array.from({ length: 16 }, (_, index) => index + 1);
/** Seven seconds alone; the rest is for two cores that do other things as well. */
const TIMEOUT_MS = 120_000;

const MEASURED = everybody({ 'miner a': 0.7, 'miner b': 0.6, 'miner c': 0.2 });
/** Seven twenty-fourths of the stake lie: less than the third that a quorum of two thirds bears. */
const LIAR = 'v2';
const HONEST = ['v1', 'v3', 'v4'];
const LIE = { 'miner a': 0, 'miner b': 0, 'miner c': 1_000_000_000 };
const SECOND_LIE = { ...LIE, 'miner b': 1 };
const { snapshot, certify } = runInput(2).phases;

test('whatever is lost, broken, restarted or lied about, no certificate contradicts another', {
  timeout: TIMEOUT_MS,
}, async () => {
  const ends = { won: 0, held: 0 };
  for (const seed of SEEDS) {
    const subnet = await startSubnet();
    await play(subnet, prng(`chaos ${seed}`), seed);
    const told = `seed ${seed}`;
    const certified = await outcomesOf(subnet);
    expect(new Set(certified).size, told).toBeLessThanOrEqual(1);
    for (const name of HONEST) {
      const node = nodeOf(subnet, name);
      const ids = (await node.events()).map(({ id }) => id);
      expect(new Set(ids).size, told).toBe(ids.length);
      expect(mostLiving(await node.events()), told).toBe(1);
      // The winner of the honest, or the incumbent; never the liar's miner, and never nothing.
      const weights = subnet.chain.state.weights.get(node.signer.hotkey);
      expect([5, 6], told).toContain(weights?.[0]?.uid);
      expect(weights, told).toHaveLength(1);
      ends[weights?.[0]?.uid === 5 ? 'won' : 'held']++;
    }
    await stopSubnet(subnet);
  }
  // The chaos is neither harmless nor hopeless.
  expect(ends.won).toBeGreaterThan(0);
  expect(ends.held).toBeGreaterThan(0);
});

/** The digests of the outcomes that honest validators hold certificates of. */
async function outcomesOf(subnet: Subnet): Promise<readonly string[]> {
  const built = await Promise.all(
    HONEST.map((name) => recordedOf(nodeOf(subnet, name), 'certificate.built.v1', 2)),
  );
  return built.flat().map(({ certificate }) => digestOf(certificate.outcome));
}

/** A run under a seed's luck; at its end everybody is up and the chain answers. */
async function play(subnet: Subnet, random: () => number, seed: number): Promise<void> {
  const { chain, network, nodes } = subnet;
  const [lossRate, faultRate, downRate] = [random() * 0.8, random() * 0.3, random() * 0.2];
  // A run before it crowns miner b and tells everybody how many neurons there are.
  await playRun(subnet, 1, everybody({ 'miner b': 0.6 }));
  crown(subnet, 'miner b');
  const lies = [LIE, SECOND_LIE].map((scores) => forgedReport(nodeOf(subnet, LIAR), 2, scores));
  network.tamper = (url, asker) => {
    const luck = prng(`${seed}/${chain.state.block}/${asker}/${url.href}`);
    if (luck() < lossRate) return Promise.resolve(status(404));
    if (url.host !== `${LIAR}.test` || !url.pathname.includes('/scores/'))
      return Promise.resolve(null);
    // It tells one thing to some and another to others, as the seed wants.
    const lie = lies[seed % 2 === 0 ? 0 : Math.floor(luck() * 2)];
    return Promise.resolve(lie === undefined ? null : body(lie.bytes));
  };
  await measureRun(subnet, 2, MEASURED);
  await playBlocks(subnet, snapshot, certify - 1, {
    onBlock: async () => {
      for (const node of nodes) {
        const fault = faultOf(subnet, random);
        if (random() < faultRate) chain.state.faultOf.set(node.name, fault);
        else chain.state.faultOf.delete(node.name);
        if (random() < downRate) takeDown(subnet, node);
        else if (network.down.has(hostOf(node))) await bringUp(subnet, node);
      }
    },
  });
  chain.state.faultOf.clear();
  chain.state.block = certify;
  for (const node of nodes) if (network.down.has(hostOf(node))) await bringUp(subnet, node);
  await playBlocks(subnet, certify, certify + 2);
}

function faultOf({ chain }: Subnet, random: () => number): Fault {
  const { neurons } = chain.state;
  const kept = Math.floor(random() * 7);
  return kept === 0
    ? { kind: 'unavailable' }
    : { kind: 'neurons', neurons: neurons.slice(0, kept) };
}
