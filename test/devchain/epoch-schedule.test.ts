import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { blocksUntilEpoch, commitEpoch, epochIndex } from '#src/devchain/epoch-schedule.ts';

const VECTORS = new URL('../../../shared/fixtures/vectors/epoch.json', import.meta.url);
const at = (netuid: number, tempo: number, block: number) => ({ netuid, block, params: { tempo } });

describe.skipIf(!existsSync(VECTORS))(
  'recorded epochs, where the fixtures lie beside the project',
  () => {
    test('blocks until the epoch are those of the recordings', () => {
      const vectors = z
        .object({
          modulo_spec_lt_423: z
            .array(
              z.object({
                netuid: z.int(),
                tempo: z.int(),
                block: z.int(),
                blocks_until_next_epoch: z.int(),
              }),
            )
            .min(3),
        })
        .parse(JSON.parse(readFileSync(VECTORS, 'utf8')));
      for (const { netuid, tempo, block, blocks_until_next_epoch } of vectors.modulo_spec_lt_423) {
        expect(blocksUntilEpoch(at(netuid, tempo, block))).toBe(blocks_until_next_epoch);
      }
    });
  },
);

describe('the epoch schedule', () => {
  test('netuid 1 of Finney ran its epoch in block 6,852,597, the last one of its index', () => {
    const block = 6_852_597;
    expect(blocksUntilEpoch(at(1, 99, block))).toBe(0);
    expect(epochIndex(at(1, 99, block + 1))).toBe(epochIndex(at(1, 99, block)) + 1);
  });

  test('every window of tempo + 1 blocks is one epoch, run in its last block', () => {
    fc.assert(
      fc.property(
        fc.record({
          netuid: fc.nat(4_095),
          tempo: fc.integer({ min: 1, max: 65_535 }),
          block: fc.nat(),
        }),
        ({ netuid, tempo, block }) => {
          const here = at(netuid, tempo, block);
          const run = at(netuid, tempo, block + blocksUntilEpoch(here));
          expect(blocksUntilEpoch(run)).toBe(0);
          expect(epochIndex(run)).toBe(epochIndex(here));
          expect(epochIndex({ ...run, block: run.block + 1 })).toBe(epochIndex(here) + 1);
          expect(blocksUntilEpoch({ ...run, block: run.block + 1 })).toBe(tempo);
        },
      ),
    );
  });

  test('a commit in the block that runs an epoch counts for the next one', () => {
    const run = at(36, 9, 2);
    expect([run, { ...run, block: 3 }].map(epochIndex)).toEqual([3, 4]);
    expect([{ ...run, block: 1 }, run, { ...run, block: 3 }].map(commitEpoch)).toEqual([3, 4, 4]);
  });
});
