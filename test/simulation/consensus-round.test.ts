import { afterEach, expect, test } from 'vitest';
import {
  decisionOf,
  FAMILY,
  minerKey,
  playRun,
  type Subnet,
  startSubnet,
  stopSubnet,
} from '../support/simulated-run.ts';

let subnet: Subnet;
afterEach(() => stopSubnet(subnet));

const everybody = (scores: Readonly<Record<string, number>>) => ({
  v1: scores,
  v2: scores,
  v3: scores,
  v4: scores,
});

test('honest validators decide byte-identically, certify and set the winner', async () => {
  subnet = await startSubnet();
  await playRun(subnet, 1, everybody({ 'miner a': 0.7, 'miner b': 0.6, 'miner c': 0.5 }));

  const decisions = await Promise.all(subnet.nodes.map((node) => decisionOf(node, 1)));
  expect(new Set(decisions.map((decision) => JSON.stringify(decision))).size).toBe(1);
  expect(decisions[0]?.decision.outcome).toMatchObject({
    kind: 'winner',
    reason: 'first-winner',
    winner: { hotkey: minerKey('miner a'), uid: 5 },
  });
  for (const node of subnet.nodes) {
    expect(subnet.chain.state.weights.get(node.signer.hotkey)).toEqual([
      { uid: 5, weight: 65_535 },
    ]);
    const certificate = await node.validator.publisher.certificate(FAMILY, 'run-1');
    expect(certificate.kind).toBe('ready');
    expect((await node.events()).at(-1)?.event).toMatchObject({
      type: 'weights.observed.v1',
      data: { matches: true },
    });
  }
});
