import { afterEach, expect, test } from 'vitest';
import { digestOf } from '#src/consensus/outcome.ts';
import { weightsOf } from '../support/extrinsic-log.ts';
import { status } from '../support/simulated-network.ts';
import {
  crown,
  everybody,
  minerKey,
  nodeOf,
  PAYS_A,
  PAYS_B,
  playBlocks,
  playRun,
  recordedOf,
  runInput,
  SETTLING,
  type Subnet,
  startSubnet,
  stopSubnet,
} from '../support/simulated-run.ts';

const MEASURED = everybody({ 'miner a': 0.7, 'miner b': 0.3, 'miner c': 0.2 });
const { certify } = runInput(1).phases;

let subnet: Subnet;
afterEach(() => stopSubnet(subnet));

/** Nobody shows v4 a signed decision or a certificate before this block. */
function keepFromV4(until: number): void {
  subnet.network.tamper = (url, asker) => {
    const kept = url.pathname.includes('decisions') || url.pathname.includes('certificates');
    const hidden = asker === 'v4' && kept && subnet.chain.state.block < until;
    return Promise.resolve(hidden ? status(404) : null);
  };
}

test('a certificate that was kept back until after the deadline is followed all the same', async () => {
  subnet = await startSubnet();
  crown(subnet, 'miner b');
  keepFromV4(certify + 9);
  await playRun(subnet, 1, MEASURED);
  await playBlocks(subnet, certify + SETTLING + 1, certify + 8);
  const late = nodeOf(subnet, 'v4');
  // The others switched; who had no certificate held the incumbent.
  expect(subnet.chain.state.weights.get(late.signer.hotkey)).toEqual(PAYS_B);
  expect(subnet.chain.state.weights.get(nodeOf(subnet, 'v1').signer.hotkey)).toEqual(PAYS_A);

  await playBlocks(subnet, certify + 9, certify + 30);
  const [built] = await recordedOf(late, 'certificate.built.v1', 1);
  expect(await recordedOf(late, 'certificate.missed.v1', 1)).toHaveLength(1);
  if (built === undefined) throw new Error('no certificate was built');
  expect(await recordedOf(late, 'weights.intended.v1', 1)).toMatchObject([
    { reason: 'certificate-missed', vector: PAYS_B, outcome: null },
    {
      reason: 'challenger-won',
      winner: minerKey('miner a'),
      vector: PAYS_A,
      outcome: digestOf(built.certificate.outcome),
    },
  ]);
  expect(await weightsOf(late)).toMatchObject([
    { attempt: 1, outcome: 'succeeded' },
    { attempt: 2, outcome: 'succeeded' },
  ]);
  expect(subnet.chain.state.weights.get(late.signer.hotkey)).toEqual(PAYS_A);
  expect((await recordedOf(late, 'weights.observed.v1', 1)).at(-1)).toMatchObject({
    attempt: 2,
    matches: true,
  });
});

test('once a later run is set, the certificate of an earlier one changes nothing', async () => {
  subnet = await startSubnet();
  crown(subnet, 'miner b');
  keepFromV4(runInput(2).phases.snapshot);
  await playRun(subnet, 1, MEASURED);
  const late = nodeOf(subnet, 'v4');
  const hidden = subnet.network.tamper;
  subnet.network.tamper = (url, asker) =>
    url.pathname.endsWith('/run-1') ? Promise.resolve(status(404)) : hidden(url, asker);
  await playRun(subnet, 2, everybody({ 'miner c': 0.9, 'miner b': 0.1 }));
  subnet.network.tamper = () => Promise.resolve(null);
  await playBlocks(
    subnet,
    runInput(2).phases.certify + SETTLING + 1,
    runInput(2).phases.certify + 30,
  );
  expect(await recordedOf(late, 'weights.superseded.v1', 1)).toHaveLength(1);
  expect(await recordedOf(late, 'certificate.built.v1', 1)).toEqual([]);
  expect(subnet.chain.state.weights.get(late.signer.hotkey)).toEqual([{ uid: 7, weight: 65_535 }]);
});
