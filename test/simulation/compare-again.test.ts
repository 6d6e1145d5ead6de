import { afterEach, beforeEach, expect, test } from 'vitest';
import { SignedDocument } from '#src/consensus/signed.ts';
import { decode, decodeBytes } from '#src/events/ej1.ts';
import { status } from '../support/simulated-network.ts';
import { ownerAnswer, ownerServes } from '../support/simulated-owner.ts';
import {
  everybody,
  FAMILY,
  nodeOf,
  playRun,
  recordedOf,
  type Subnet,
  startSubnet,
  stopSubnet,
} from '../support/simulated-run.ts';
import type { SimulatedNode } from '../support/simulated-subnet.ts';

let subnet: Subnet;
let node: SimulatedNode;
beforeEach(async () => {
  subnet = await startSubnet({ mode: 'shadow' });
  node = nodeOf(subnet, 'v1');
  ownerServes(subnet.network, (run) => ownerAnswer(run, 'miner b'));
  await playRun(subnet, 1, everybody({ 'miner a': 0.9, 'miner b': 0.6 }));
});
afterEach(() => stopSubnet(subnet));

const again = () => node.validator.compareAgain(FAMILY, 'run-1');

/** The figures that an operator sees. */
async function summary() {
  const bytes = await node.validator.publisher.divergence(FAMILY, 50);
  return decode(SignedDocument.parse(decodeBytes(bytes ?? new Uint8Array())).body);
}

test('of a run that is compared again the first record stands, and the repeat shows', async () => {
  // The owner changed its mind and agrees now: nobody can re-roll until it does.
  ownerServes(subnet.network, (run) => ownerAnswer(run, 'miner a'));
  expect(await again()).toEqual({ repeated: true });
  expect(await again()).toEqual({ repeated: false });

  expect(await recordedOf(node, 'divergence.recorded.v1', 1)).toMatchObject([
    { topOneAgrees: false },
  ]);
  expect(await recordedOf(node, 'divergence.repeated.v1', 1)).toHaveLength(1);
  expect(await summary()).toMatchObject({
    runs: 1,
    recorded: 1,
    repeated: 1,
    agreement: { agreed: 0, compared: 1 },
  });
});

test('the same answer again is no repeat', async () => {
  expect(await again()).toEqual({ repeated: false });
  expect(await summary()).toMatchObject({ recorded: 1, repeated: 0 });
});

test('what cannot be compared is refused, and nothing is recorded', async () => {
  const before = (await node.events()).length;
  await expect(node.validator.compareAgain(FAMILY, 'run-2')).rejects.toMatchObject({
    code: 'input.invalid',
  });
  ownerServes(subnet.network, () => status(503));
  await expect(again()).rejects.toMatchObject({ code: 'command.refused' });
  expect(await node.events()).toHaveLength(before);
});
