import { expect, test } from 'vitest';
import type { Known, Metagraph } from '#src/chain/chain.ts';
import { createNeuronReads } from '#src/handlers/owner/neurons.ts';
import { hotkey } from '../support/recorded-events.ts';

const HALF_AN_HOUR_MS = 30 * 60_000;
const [V, M] = [hotkey('v'), hotkey('m')];
const AWAY = { known: false, reason: 'unavailable', detail: 'no node' } as const;

/** A chain with a validator and a miner, which says how often it was asked; `away` has it say nothing. */
function chainOf() {
  const state = { block: 100, away: false, asked: 0, miners: [M] as readonly string[], ms: 0 };
  const read = createNeuronReads(
    {
      finalizedBlock: async () => (state.away ? AWAY : { known: true, value: state.block }),
      metagraph: async (block): Promise<Known<Metagraph>> => {
        state.asked += 1;
        const neurons = [V, ...state.miners].map((each) => ({ hotkey: each, permit: each === V }));
        // safe: nothing else of a metagraph is read
        return { known: true, value: { block, neurons } as unknown as Metagraph };
      },
    },
    () => state.ms,
  );
  return { state, read };
}

test('who has a permit may evaluate, and every neuron may submit', async () => {
  const { read } = chainOf();
  expect(await read()).toEqual({
    block: 100,
    registered: new Set([V, M]),
    permitted: new Set([V]),
  });
});

test('the chain is asked once in five blocks, however many ask at once, and who left is gone then', async () => {
  const { state, read } = chainOf();
  await Promise.all(Array.from({ length: 50 }, read));
  state.miners = [];
  state.block = 104;
  expect((await read()).registered).toContain(M);
  expect(state.asked).toBe(1);
  state.block = 105;
  expect((await read()).registered).not.toContain(M);
  expect(state.asked).toBe(2);
});

test('a chain that says nothing is what it was for half an hour, and unknown afterwards', async () => {
  const { state, read } = chainOf();
  await read();
  state.away = true;
  state.ms = HALF_AN_HOUR_MS - 1;
  expect((await read()).block).toBe(100);
  state.ms = HALF_AN_HOUR_MS;
  await expect(read()).rejects.toMatchObject({ code: 'chain.unavailable' });
  state.away = false;
  expect((await read()).block).toBe(100);
});

test('a chain that never said anything lets nobody in', async () => {
  const { state, read } = chainOf();
  state.away = true;
  await expect(read()).rejects.toMatchObject({ code: 'chain.unavailable' });
});
