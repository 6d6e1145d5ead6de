import { afterEach, expect, test } from 'vitest';
import { failure } from '../support/simulated-extrinsics.ts';
import {
  decisionOf,
  everybody,
  measureRun,
  playBlocks,
  playRun,
  recordedOf,
  runInput,
  SETTLING,
  type Subnet,
  startSubnet,
  stopSubnet,
} from '../support/simulated-run.ts';

let subnet: Subnet;
afterEach(() => stopSubnet(subnet));

const FIRST = everybody({ 'miner a': 0.7, 'miner b': 0.4, 'miner c': 0.3 });
const SECOND = everybody({ 'miner a': 0.3, 'miner b': 0.8, 'miner c': 0.3 });

test('an intent that the chain refused is never set over that of a later run', async () => {
  subnet = await startSubnet();
  const { state } = subnet.chain;
  state.refusal = failure('SettingWeightsTooFast', 'wait');
  await playRun(subnet, 1, FIRST);
  await playRun(subnet, 2, SECOND);
  state.refusal = null;
  const { certify } = runInput(2).phases;
  await playBlocks(subnet, certify + SETTLING + 1, certify + 20);

  for (const node of subnet.nodes) {
    expect(await recordedOf(node, 'weights.superseded.v1', 1)).toMatchObject([{ by: 'run-2' }]);
    expect(await recordedOf(node, 'extrinsic.signed.v1', 1)).toMatchObject([
      { purpose: 'commitment' },
    ]);
    expect(state.weights.get(node.signer.hotkey)).toEqual([{ uid: 6, weight: 65_535 }]);
  }
});

test('blocks that become final together cost no run its reports', async () => {
  subnet = await startSubnet();
  await measureRun(subnet, 1, FIRST);
  const { snapshot, commit, decide, certify } = runInput(1).phases;
  await playBlocks(subnet, snapshot, commit);
  await playBlocks(subnet, decide, certify + 1);

  for (const node of subnet.nodes) {
    expect((await decisionOf(node, 1)).decision.quorum.reached).toBe(true);
    expect(await recordedOf(node, 'certificate.built.v1', 1)).toHaveLength(1);
  }
});
