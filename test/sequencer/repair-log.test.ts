import { expect, test } from 'vitest';
import { EMPTY } from '#src/events/decode.ts';
import { decodeEntries, encodeEntries } from '#src/merkle/tile.ts';
import { createTree, hexOf, leafOf } from '#src/merkle/tree.ts';
import { memoryDisk, memoryStore } from '#src/runtime/memory-store.ts';
import { authenticateBodies, type LogBodies } from '#src/sequencer/log-bodies.ts';
import { planStream, repairStream, type Tail } from '#src/sequencer/repair-log.ts';
import { SOURCE } from '../support/recorded-events.ts';
import { eventsBehind } from '../support/simulated-sequencer.ts';

/** Ten events, of which the first six are signed. */
const MESSAGES = eventsBehind(EMPTY, 10, 1);
const SIGNED = 6;
const payloads = MESSAGES.map(({ payload }) => payload);

const hexes = (each: readonly Uint8Array[]) => each.map((one) => Buffer.from(one).toString('hex'));

function signed(size: number): Promise<LogBodies> {
  const tree = createTree();
  for (const payload of payloads.slice(0, size)) tree.append(leafOf(payload));
  const read = async () => decodeEntries(encodeEntries(payloads.slice(0, size)));
  return authenticateBodies(read, { size, root: hexOf(tree.root()) });
}

/** A machine on which `kept` is what an earlier repair left, and that dies when `dies` says so. */
function machine(stream: readonly Uint8Array[], kept: readonly Uint8Array[] | null = null) {
  const disk = memoryDisk();
  const messageOf = (payload: Uint8Array) => ({ subject: 'validator.run', payload });
  disk.messages = stream.map(messageOf);
  const store = memoryStore({ name: 'validator', source: SOURCE }, disk);
  const held: { kept: readonly Uint8Array[] | null } = { kept };
  const tail: Tail = {
    load: async () => held.kept,
    save: async (events) => {
      held.kept = events;
    },
    drop: async () => {
      held.kept = null;
    },
  };
  const repair = async (size = SIGNED, dies: 'never' | 'when deleted' = 'never') => {
    const bodies = await signed(size);
    const plan = await planStream(bodies, store);
    return repairStream(bodies, plan, {
      events: store,
      recreate: async () => {
        disk.messages = [];
        if (dies === 'when deleted') throw new Error('killed');
      },
      tail,
      onProgress: () => undefined,
    });
  };
  return { repair, held, stored: () => hexes(disk.messages.map(({ payload }) => payload)) };
}

const altered = (index: number) =>
  payloads.map((payload, at) => (at === index ? payload.with(40, 0x58) : payload));

test('events that no checkpoint covers survive a repair that is killed while there is no stream', async () => {
  const { repair, held, stored } = machine(altered(2));
  await expect(repair(SIGNED, 'when deleted')).rejects.toThrow('killed');
  expect(stored()).toEqual([]);
  expect(held.kept).toHaveLength(4);
  expect(await repair()).toBe(10);
  expect(stored()).toEqual(hexes(payloads));
  expect(held.kept).toBeNull();
});

test('what an earlier repair has left of a log that went on since does not take the place of newer events', async () => {
  const { repair, held, stored } = machine(altered(2), payloads.slice(3, 5));
  expect(await repair()).toBe(10);
  expect(stored()).toEqual(hexes(payloads));
  expect(held.kept).toBeNull();
});

test('what an earlier repair has left stops no later one', async () => {
  const { repair, stored } = machine(payloads.slice(0, 4), payloads.slice(3, 5));
  expect(await repair()).toBe(SIGNED);
  expect(stored()).toEqual(hexes(payloads.slice(0, SIGNED)));
});

test('what was kept is not put behind other events than it followed', async () => {
  const other = eventsBehind((await signed(SIGNED)).headAt(SIGNED), 2, 7);
  const stream = [...payloads.slice(0, SIGNED), ...other.map(({ payload }) => payload)];
  const { repair, stored } = machine(stream, payloads.slice(SIGNED));
  expect(await repair()).toBe(8);
  expect(stored()).toEqual(hexes(stream));
});
