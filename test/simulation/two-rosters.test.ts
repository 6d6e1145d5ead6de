import { afterEach, expect, test } from 'vitest';
import { evidenceOfRosters } from '#src/audit/evidence-documents.ts';
import { createReplay } from '#src/audit/replay.ts';
import { signDocument } from '#src/consensus/signed.ts';
import { ROSTER_TYPE } from '#src/evaluation/roster.ts';
import { encode } from '#src/events/ej1.ts';
import { devSigner } from '../support/dev-keys.ts';
import {
  decisionOf,
  everybody,
  FAMILY,
  measureRun,
  PAYS_A,
  playBlocks,
  resultLines,
  runInput,
  SETTLING,
  type Subnet,
  startSubnet,
  stopSubnet,
} from '../support/simulated-run.ts';
import type { SimulatedNode } from '../support/simulated-subnet.ts';

const owner = devSigner('owner');
const SCORES = { 'miner a': 0.9, 'miner b': 0.6, 'miner c': 0.5 };

let subnet: Subnet;
afterEach(() => stopSubnet(subnet));

/** The file that two rosters of the owner are. */
function twoRosters({ view: { genesis, netuid } }: SimulatedNode, run: string): Uint8Array {
  const [one, other] = ['one', 'other'].map((members) =>
    signDocument(ROSTER_TYPE, encode({ genesis, netuid, family: FAMILY, run, members }), owner),
  );
  if (one === undefined || other === undefined) throw new Error('no documents');
  return Buffer.from(evidenceOfRosters(one, other));
}

async function typesOf(node: SimulatedNode, run: string) {
  return (await node.events()).flatMap(({ event }) =>
    'run' in event.data && event.data.run === run ? [event] : [],
  );
}

test('a run of which the owner signed two rosters is held, whoever found it out, and the next one is not', async () => {
  subnet = await startSubnet({ ownerHotkey: owner.hotkey });
  const { nodes } = subnet;
  const input = runInput(1);
  subnet.chain.state.block = input.phases.snapshot - 1;
  for (const { validator } of nodes) {
    await validator.openRun(input);
    await validator.importScores(resultLines(input.run, SCORES));
  }
  const [finder] = nodes;
  if (finder === undefined) throw new Error('no nodes');
  const offered = await finder.validator.offerEvidence(twoRosters(finder, input.run));
  expect(offered.kind).toBe('accepted');
  await playBlocks(subnet, input.phases.snapshot, input.phases.certify + SETTLING);
  for (const node of nodes) {
    const events = await typesOf(node, input.run);
    expect(events.find(({ type }) => type === 'run.closed.v1')?.data).toMatchObject({
      reason: 'rosters-differ',
    });
    expect(events.some(({ type }) => type === 'report.signed.v1')).toBe(false);
    expect(await decisionOf(node, 1)).toMatchObject({
      decision: { outcome: { reason: 'quorum-missed' } },
    });
  }
  await measureRun(subnet, 2, everybody(SCORES));
  const { phases } = runInput(2);
  await playBlocks(subnet, phases.snapshot, phases.certify + SETTLING);
  for (const node of nodes) {
    expect(await decisionOf(node, 2)).toMatchObject({ decision: { outcome: { vector: PAYS_A } } });
    const step = createReplay();
    for (const verdict of (await node.events()).flatMap((event) => step(event) ?? []))
      expect(verdict).toMatchObject({ verdict: 'equal' });
  }
});

test('a second roster that comes out once the reports are signed takes nothing back', async () => {
  subnet = await startSubnet({ ownerHotkey: owner.hotkey });
  const { nodes } = subnet;
  await measureRun(subnet, 1, everybody(SCORES));
  const { run, phases } = runInput(1);
  await playBlocks(subnet, phases.snapshot, phases.commit);
  for (const node of nodes) {
    const offered = await node.validator.offerEvidence(twoRosters(node, run));
    expect(offered.kind).not.toBe('refused');
  }
  await playBlocks(subnet, phases.commit + 1, phases.certify + SETTLING);
  for (const node of nodes)
    expect(await decisionOf(node, 1)).toMatchObject({ decision: { outcome: { vector: PAYS_A } } });
});
