import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { readCommitments } from '#src/chain/commitments.ts';
import { devSigner } from '../support/dev-keys.ts';
import { valueOf } from '../support/known-value.ts';
import { compact, hex, registration, textField, u32, u64 } from '../support/scale-bytes.ts';
import { accountHex, type Stored, stubChain } from '../support/stub-chain.ts';

const NETUID = 36;
const HOTKEYS = ['ada', 'ben', 'cleo', 'dan'].map((name) => devSigner(name).hotkey);
const [ADA = '', BEN = ''] = HOTKEYS;

const chain = await stubChain();
afterAll(() => chain[Symbol.asyncDispose]());

describe('the walk', () => {
  test('finds each commitment that stood in the range, with two queries for each block that holds one, and one more', async () => {
    const commit = fc.record({
      hotkey: fc.constantFrom(...HOTKEYS),
      block: fc.integer({ min: 1, max: 40 }),
    });
    const history = fc.uniqueArray(commit, {
      maxLength: 60,
      selector: ({ hotkey, block }) => `${hotkey}${block}`,
    });
    const block = fc.integer({ min: 0, max: 41 });
    await fc.assert(
      fc.asyncProperty(history, block, block, async (made, after, upTo) => {
        chain.setStorage((at) => entries(made, at));
        chain.requests.length = 0;
        const found = valueOf(await read({ after, upTo }));
        const expected = made
          .filter(({ block }) => block > after && block <= upTo)
          .toSorted((a, b) => a.block - b.block || (a.hotkey < b.hotkey ? -1 : 1));
        expect(found).toEqual(expected.map((commit) => ({ ...commit, fields: [textOf(commit)] })));
        const holding = new Set(expected.map(({ block }) => block)).size;
        expect(queries()).toBeLessThanOrEqual(2 * holding + 1);
      }),
    );
  });

  test('asks for all hotkeys at once, and for nothing without hotkeys', async () => {
    chain.setStorage(() => ({}));
    chain.requests.length = 0;
    expect(valueOf(await read({ after: 10, upTo: 20 }))).toEqual([]);
    expect(chain.requests).toEqual([
      'chain_getBlockHash',
      // Which runtime wrote the block's state, by the state of its parent.
      'chain_getHeader',
      'state_getRuntimeVersion',
      'state_queryStorageAt',
    ]);
    chain.requests.length = 0;
    expect(valueOf(await read({ after: 10, upTo: 20 }, []))).toEqual([]);
    expect(valueOf(await read({ after: 20, upTo: 20 }))).toEqual([]);
    expect(queries()).toBe(0);
  });

  test('a state on the way that the node discarded makes all of it unknown', async () => {
    const made = [5, 18, 25].map((block) => ({ hotkey: ADA, block }));
    chain.setStorage((at) => {
      if (at >= 25) return entries(made, at);
      throw new Error(`4003: Client error: UnknownBlock: State already discarded for 0x${at}`);
    });
    expect(valueOf(await read({ after: 24, upTo: 30 }))).toHaveLength(1);
    expect(await read({ after: 2, upTo: 30 })).toMatchObject({
      known: false,
      reason: 'unavailable',
      detail: expect.stringContaining('no state of block 24'),
    });
  });

  test('a block that the node does not know yet is unknown, and a broken connection is thrown', async () => {
    chain.setStorage(() => ({}));
    chain.setBest(29);
    expect(await read({ after: 2, upTo: 30 })).toMatchObject({
      reason: 'unavailable',
      detail: 'the node does not know block 30',
    });
    chain.setBest(Infinity);
    chain.setStorage(() => {
      throw new Error('WebSocket is not connected');
    });
    await expect(read({ after: 2, upTo: 30 })).rejects.toThrow('WebSocket is not connected');
  });

  test('a commitment that is newer than its block is refused, which also ends every walk', async () => {
    chain.setStorage(() => slot(ADA, registration(31, [textField('from tomorrow')]), 31));
    expect(await read({ after: 2, upTo: 30 })).toMatchObject({
      reason: 'malformed',
      detail: `${ADA} committed in block 31, says block 30`,
    });
    // A node that gives the same entry for every block would be asked for ever.
    chain.setStorage(() => slot(ADA, registration(30, [textField('again')]), 30));
    expect(await read({ after: 2, upTo: 30 })).toMatchObject({ reason: 'malformed' });
  });

  test('a slot that is of another block than its commitment, or that is empty there, is refused', async () => {
    chain.setStorage(() => slot(ADA, registration(8, [textField('older')]), 9));
    expect(await read({ after: 2, upTo: 30 })).toMatchObject({
      reason: 'malformed',
      detail: `commitment of ${ADA} is of block 8, its last was in block 9`,
    });
    chain.setStorage(() => ({ 'Commitments.LastCommitment': lastOf(ADA, 9) }));
    expect(await read({ after: 2, upTo: 30 })).toMatchObject({ reason: 'malformed' });
  });

  test.for([
    {
      title: 'a text under a commitment that the runtime forgot',
      slotAt: (at: number) =>
        at < 12 ? plain(10) : at < 16 ? registration(12, [timelocked]) : null,
      lastAt: (at: number) => (at < 12 ? 10 : 12),
      expected: [
        { block: 10, fields: ['text'] },
        { block: 12, fields: [null] },
      ],
    },
    {
      title: 'a text behind a field that the runtime took out',
      slotAt: (at: number) =>
        at < 16 ? registration(10, [timelocked, textField('text')]) : plain(10),
      lastAt: () => 10,
      expected: [{ block: 10, fields: [null, 'text'] }],
    },
  ])(
    'whenever it is asked, the answer is the same: $title',
    async ({ slotAt, lastAt, expected }) => {
      chain.setStorage((at) => {
        const bytes = at < 10 ? null : slotAt(at);
        return {
          'Commitments.CommitmentOf': bytes === null ? {} : { [accountHex(ADA)]: bytes },
          'Commitments.LastCommitment': at < 10 ? {} : lastOf(ADA, lastAt(at)),
        };
      });
      const commitments = expected.map((each) => ({ hotkey: ADA, ...each }));
      for (let split = 0; split <= 30; split += 1) {
        const first = valueOf(await read({ after: 0, upTo: split }));
        const second = valueOf(await read({ after: split, upTo: 30 }));
        expect([...first, ...second]).toEqual(commitments);
      }
    },
  );
});

describe('the fields', () => {
  const fieldsOf = async (fields: readonly Uint8Array[]): Promise<readonly (string | null)[]> => {
    chain.setStorage(() => slot(BEN, registration(7, fields), 7));
    const [commitment] = valueOf(await read({ after: 6, upTo: 7 }));
    return commitment?.fields ?? [];
  };

  test('text of each length is read, to 128 bytes inline and to 512 with a length', async () => {
    for (const length of [0, 1, 63, 64, 102, 127, 128, 129, 511, 512]) {
      const text = 'x'.repeat(length);
      expect(await fieldsOf([textField(text)])).toEqual([text]);
    }
    expect(await fieldsOf([textField('0x41'), textField(' ~'), textField('"')])).toEqual([
      '0x41',
      ' ~',
      '"',
    ]);
  });

  test('what is not printable ASCII is no text', async () => {
    expect(await fieldsOf([textField('a\nb'), textField('\x7f'), textField('é')])).toEqual([
      null,
      null,
      null,
    ]);
  });

  test('no other variant is text, whatever its bytes', async () => {
    const letters = Buffer.alloc(32, 'a');
    for (const tag of [130, 131, 132, 133]) {
      expect(
        await fieldsOf(
          [Buffer.of(tag), textField('next')].map((field, at) =>
            at === 0 ? Buffer.concat([field, letters]) : field,
          ),
        ),
      ).toEqual([null, 'next']);
    }
    expect(await fieldsOf([Buffer.of(0), timelocked, Buffer.of(135)])).toEqual([null, null, null]);
  });

  test('an entry that is cut, too long or of an unknown variant is refused', async () => {
    const whole = registration(7, [textField('eirel')]);
    for (const bytes of [whole.slice(0, -2), `${whole}00`, whole.replace('06656972', 'ff656972')]) {
      chain.setStorage(() => slot(BEN, bytes, 7));
      expect(await read({ after: 6, upTo: 7 })).toMatchObject({
        reason: 'malformed',
        detail: expect.stringContaining('commitments.commitmentOf at block 7'),
      });
    }
  });
});

type Made = Readonly<{ hotkey: string; block: number }>;

function read(range: { after: number; upTo: number }, hotkeys = HOTKEYS) {
  return readCommitments(chain.api, { netuid: NETUID, hotkeys, range });
}

function queries(): number {
  return chain.requests.filter((method) => method === 'state_queryStorageAt').length;
}

function textOf({ hotkey, block }: Made): string {
  return `${hotkey} in ${block}`;
}

/** The state at the end of a block: each hotkey's last commitment until then. */
function entries(made: readonly Made[], at: number): Stored {
  const last = new Map<string, Made>();
  for (const commit of made.toSorted((a, b) => a.block - b.block)) {
    if (commit.block <= at) last.set(commit.hotkey, commit);
  }
  const standing = [...last.values()];
  return {
    'Commitments.CommitmentOf': Object.fromEntries(
      standing.map((commit) => [
        accountHex(commit.hotkey),
        registration(commit.block, [textField(textOf(commit))]),
      ]),
    ),
    'Commitments.LastCommitment': Object.assign(
      {},
      ...standing.map(({ hotkey, block }) => lastOf(hotkey, block)),
    ),
  };
}

function slot(hotkey: string, bytes: string, last: number): Stored {
  return {
    'Commitments.CommitmentOf': { [accountHex(hotkey)]: bytes },
    'Commitments.LastCommitment': lastOf(hotkey, last),
  };
}

function lastOf(hotkey: string, block: number): Readonly<Record<string, string>> {
  return { [accountHex(hotkey)]: hex(u32(block)) };
}

/** A field that only a round of the beacon opens. */
const timelocked = Buffer.concat([
  Buffer.of(134),
  compact(32),
  Buffer.alloc(32, 'a'),
  u64(25_000_000),
]);

const plain = (block: number): string => registration(block, [textField('text')]);
