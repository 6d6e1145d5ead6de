import { describe, expect, test } from 'vitest';
import type { Known } from '#src/chain/chain.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import type { StorageProof } from '#src/events/commitment.ts';
import { proveCommitment } from '#src/handlers/prove-commitment.ts';
import { devSigner } from '../support/dev-keys.ts';
import { provedCommitment } from '../support/proved-commitment.ts';

const { hotkey } = devSigner('v1');
const PROOF = provedCommitment({ netuid: 36, hotkey, fields: ['a text'], block: 100 });
const RUN = { family: 'general_chat', run: 'run-7' };

/** What the step gives and records at a block, when the chain answers so. */
async function prove(block: number, answer: Known<StorageProof>) {
  const recorded: DomainEvent[] = [];
  const asked: unknown[] = [];
  const note = await proveCommitment(
    { ...RUN, self: hotkey, committedAt: 100, block },
    {
      commitmentProof: async (...of) => {
        asked.push(of);
        return answer;
      },
      record: async (events) => {
        recorded.push(...events);
      },
    },
  );
  return { note, recorded, asked };
}

const refused = { known: false, reason: 'unavailable', detail: 'Method not found' } as const;

describe('a commitment that the chain is asked to prove', () => {
  test('is recorded with the proof of the block that holds it', async () => {
    const { note, recorded, asked } = await prove(103, { known: true, value: PROOF });
    expect(note).toBeNull();
    expect(asked).toEqual([[hotkey, 100]]);
    const data = { ...RUN, block: 100, proof: PROOF, detail: '' };
    expect(recorded).toEqual([{ type: 'commitment-proof.read.v1', data }]);
  });

  test('is asked for again while the node may yet answer', async () => {
    expect(await prove(119, refused)).toMatchObject({
      note: 'unavailable: Method not found',
      recorded: [],
    });
  });

  test('stays without a proof that no node gives, and the log says why', async () => {
    const { recorded } = await prove(120, refused);
    const data = { ...RUN, block: 100, proof: null, detail: 'unavailable: Method not found' };
    expect(recorded).toEqual([{ type: 'commitment-proof.read.v1', data }]);
  });
});
