import { afterEach, expect, test } from 'vitest';
import { auditLog, type LogVerdict } from '#src/audit/audit-log.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { logSource } from '#src/events/source.ts';
import { signCheckpoint } from '#src/merkle/checkpoint.ts';
import { createTree, leafOf } from '#src/merkle/tree.ts';
import { logSeedOf, logStarted } from '../support/log-start.ts';
import { filesOf, sourceOf } from '../support/memory-log.ts';
import {
  crown,
  everybody,
  playRun,
  type Subnet,
  startSubnet,
  stopSubnet,
} from '../support/simulated-run.ts';
import { RULES, type SimulatedNode } from '../support/simulated-subnet.ts';

const MEASURED = everybody({ 'miner a': 0.7, 'miner b': 0.6, 'miner c': 0.5 });

let subnet: Subnet;
afterEach(() => stopSubnet(subnet));

const DEPS = { verify: verifySr25519, blake2b256 };

async function audit(node: SimulatedNode): Promise<LogVerdict> {
  const { signer, disk, view } = node;
  const { genesis, netuid } = view;
  const origin = logSource({ genesis, netuid, hotkey: signer.hotkey, generation: 0 });
  const payloads = disk.messages.map(({ payload }) => payload);
  const tree = createTree();
  for (const payload of payloads) tree.append(leafOf(payload));
  const checkpoint = { origin, size: tree.size(), root: tree.root() };
  const note = signCheckpoint(checkpoint, { logSeed: logSeedOf(signer.hotkey), signer });
  const expected = { hotkey: signer.hotkey, genesis, netuid, ownerHotkey: null, claims: [] };
  return auditLog(sourceOf(filesOf(payloads, note)), expected, DEPS);
}

test.for(['decentralized', 'shadow', 'owner'] as const)(
  'logs of whole runs in %s mode are clean',
  async (mode) => {
    subnet = await startSubnet({
      mode,
      rules: { ...RULES, requireCommitment: true },
      first: logStarted,
    });
    await playRun(subnet, 1, MEASURED);
    crown(subnet, 'miner a');
    await playRun(subnet, 2, everybody({ 'miner a': 0.5, 'miner b': 0.9, 'miner c': 0.5 }));
    for (const node of subnet.nodes) {
      const verdict = await audit(node);
      expect(verdict.faults).toEqual([]);
    }
  },
);
